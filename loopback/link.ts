/** One TCP connection, first in the clear or not, later with TLS on it. */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

export type Link = {
  /** Still to be written to. */
  readonly open: boolean;
  readonly tls: TLSSocket | undefined;
  readonly silent: boolean;
  /** Resolves when all that was written is with the kernel, or the link is gone. */
  written(): Promise<void>;
  /** Resolves when the bytes are with the kernel, or the link is gone; a silent link swallows them. */
  write(data: string | Uint8Array): Promise<void>;
  /** Starts TLS as the server. Bytes read before are the caller's affair. */
  secure(options: TlsOptions): void;
  /** Writes what is left, then ends; the peer has a moment to end its side. */
  end(): void;
  /** Cuts the connection: with `reset` by a TCP RST, otherwise by a FIN without TLS's or the stream's farewell. */
  destroy(reset?: boolean): void;
  /** From now on nothing is said. */
  silence(mode: Silence): void;
};

/**
 * `deaf` reads what comes and forgets it, `stalled` does not even read, so that the peer's buffers fill, `mute` handles
 * it as ever, but nobody hears of it.
 */
export type Silence = 'deaf' | 'stalled' | 'mute';

export type TlsOptions = { context: SecureContext; alpn?: string[]; askCertificate: boolean };

export type LinkHandlers = {
  data(bytes: Buffer): void;
  secured(tls: TLSSocket): void;
  /** The peer sends no more. */
  ended(): void;
  /** Gone, for whatever reason. Called once. */
  closed(error: Error | undefined): void;
};

/** How long a peer may take to end its side of a stream, in ms. */
const FAREWELL = 500;

export function createLink(raw: Socket, on: LinkHandlers): Link {
  let socket: Socket | TLSSocket = raw;
  let tls: TLSSocket | undefined;
  let silent: Silence | undefined;
  let last = Promise.resolve();
  let ending = false;
  let failure: Error | undefined;

  const listen = () => {
    socket.on('data', (bytes: Buffer) => {
      if (silent === undefined || silent === 'mute') on.data(bytes);
    });
    socket.on('end', () => on.ended());
    socket.on('error', (error) => {
      failure ??= error;
    });
  };
  listen();
  raw.setNoDelay(true);
  raw.on('close', () => {
    tls?.destroy();
    on.closed(failure);
  });

  return {
    get open() {
      return !ending && !socket.destroyed;
    },
    get tls() {
      return tls;
    },
    get silent() {
      return silent !== undefined;
    },
    written: () => last,
    write(data) {
      if (silent !== undefined || ending || socket.destroyed) return Promise.resolve();
      last = new Promise((resolve) => socket.write(data, () => resolve()));
      return last;
    },
    secure({ context, alpn, askCertificate }) {
      raw.removeAllListeners('data');
      raw.removeAllListeners('end');
      tls = new TLSSocket(raw, {
        isServer: true,
        secureContext: context,
        requestCert: askCertificate,
        rejectUnauthorized: false,
        ...(alpn === undefined ? {} : { ALPNProtocols: alpn }),
      });
      socket = tls;
      listen();
      const secured = tls;
      secured.on('secure', () => on.secured(secured));
      secured.on('_tlsError', (error: Error) => {
        failure ??= error;
        raw.destroy();
      });
      secured.on('close', () => raw.destroy());
    },
    end() {
      if (ending) return;
      ending = true;
      socket.end();
      setTimeout(() => raw.destroy(), FAREWELL).unref();
    },
    destroy(reset = false) {
      ending = true;
      if (reset) raw.resetAndDestroy();
      raw.destroy();
    },
    silence(mode) {
      silent = mode;
      if (mode === 'stalled') socket.pause();
    },
  };
}
