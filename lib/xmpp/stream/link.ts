/**
 * The connection that a UCSPI client left on descriptors 6 and 7: one socket, or two pipes, with or without TLS of our
 * own on top. Bytes in, bytes out, back-pressure both ways; nothing here knows XMPP.
 */
import fs from 'node:fs';
import net from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { type Handed, inherited } from '../../sys/inherited.ts';

export type LinkEvents = {
  /** Bytes from the other side; the buffer is used again after the call. */
  data(chunk: Buffer): void;
  /** What `write` could not pass on has gone out. */
  drain(): void;
  /** The other side will send no more; with an error if that was not in order. */
  end(error: Error | null): void;
};

export type Link = {
  /** Sends text or bytes; false: more is held back than should be, wait for `drain`. */
  write(data: string | Buffer): boolean;
  /** Nothing more will be written: sends what is held back, then the end. */
  finish(): void;
  pause(): void;
  resume(): void;
  /** Puts TLS on top; `upgrade` makes it from the raw connection. Bytes flow only after the handshake. */
  secure(upgrade: (raw: Duplex) => Promise<TLSSocket>): Promise<TLSSocket>;
  destroy(): void;
};

/** Where UCSPI clients put the connection: https://cr.yp.to/proto/ucspi.txt */
export const READ_FD = 6;
export const WRITE_FD = 7;

const CHUNK = 65_536;

/** @throws Fatal 100 if a descriptor is not what a UCSPI client leaves there. To be called before anything is opened. */
export function checkDescriptors(): void {
  for (const fd of [READ_FD, WRITE_FD]) {
    const kind = inherited(fd);
    if (kind === 'socket' || kind === 'fifo') continue;
    throw new Fatal(
      EXIT.usage,
      `descriptor ${fd} is ${WHAT[kind ?? 'null']}, not a connection: run me under a UCSPI client, such as xmppc or tcpclient`,
    );
  }
}

const WHAT: Record<Handed | 'null', string> = {
  socket: 'a socket',
  fifo: 'a pipe',
  file: 'a file',
  char: 'a device',
  tty: 'a terminal',
  null: 'not open',
};

/**
 * Opens the connection.
 * @param tlsLater whether `secure` may be called; a connection that never changes is read with fewer copies
 */
export function openLink(on: LinkEvents, tlsLater: boolean): Link {
  let top: Duplex = rawConnection(tlsLater ? null : deliver);
  let closed = false;
  attach(top);

  function deliver(chunk: Buffer): void {
    if (!closed) on.data(chunk);
  }
  function over(error: Error | null): void {
    if (closed) return;
    closed = true;
    on.end(error);
  }
  function attach(stream: Duplex): void {
    if (tlsLater) stream.on('data', deliver);
    stream.on('drain', on.drain);
    stream.on('end', () => over(null));
    stream.on('error', over);
    stream.on('close', () => over(null));
    stream.resume();
  }

  return {
    write: (data) => (top.writable ? top.write(data) : true),
    finish: () => void top.end(),
    pause: () => void top.pause(),
    resume: () => void top.resume(),
    destroy() {
      closed = true;
      top.destroy();
    },
    async secure(upgrade) {
      const raw = top;
      raw.removeListener('data', deliver);
      raw.removeAllListeners('drain');
      raw.removeAllListeners('end');
      raw.removeAllListeners('close');
      const secured = await upgrade(raw);
      top = secured;
      attach(secured);
      return secured;
    },
  };
}

/** @param deliver reads straight into one buffer if given; else the stream is in Node's ordinary mode */
function rawConnection(deliver: ((chunk: Buffer) => void) | null): Duplex {
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  const callback = (length: number): boolean => {
    deliver?.(buffer.subarray(0, length));
    return true;
  };
  const onread = deliver === null ? {} : { onread: { buffer, callback } };
  const socket = (settings: net.SocketConstructorOpts) =>
    new net.Socket({ allowHalfOpen: true, ...settings, ...onread } as net.SocketConstructorOpts);
  const [a, b] = [fs.fstatSync(READ_FD), fs.fstatSync(WRITE_FD)];
  if (a.isSocket() && a.ino === b.ino && a.dev === b.dev) {
    // One socket under two numbers, as tcpclient leaves it; the second number only keeps it open.
    fs.closeSync(WRITE_FD);
    return socket({ fd: READ_FD });
  }
  const reader = socket({ fd: READ_FD, readable: true, writable: false });
  const writer = new net.Socket({ fd: WRITE_FD, readable: false, writable: true });
  return join(reader, writer, deliver !== null);
}

/** Two one-way connections as one. */
function join(reader: net.Socket, writer: net.Socket, direct: boolean): Duplex {
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => void reader.resume(),
    write: (chunk, encoding, done) => void writer.write(chunk, encoding, done),
    final: (done) => void writer.end(done),
    destroy(error, done) {
      reader.destroy();
      writer.destroy();
      done(error);
    },
  });
  if (direct) {
    duplex.pause = () => {
      reader.pause();
      return duplex;
    };
    duplex.resume = () => {
      reader.resume();
      return duplex;
    };
    reader.on('end', () => duplex.emit('end'));
  } else {
    reader.on('data', (chunk) => duplex.push(chunk) || reader.pause());
    reader.on('end', () => duplex.push(null));
  }
  for (const side of [reader, writer]) side.on('error', (error) => duplex.destroy(error));
  return duplex;
}
