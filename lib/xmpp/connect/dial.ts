/** Connecting: targets one after the other, the addresses of one target side by side. */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6, Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { errno } from '../../sys/errno.ts';
import { showTarget, type Target } from './target.ts';

/** RFC 8305 5: how long, in ms, one address is alone before the next one is tried beside it. */
const HEAD_START = 250;
/** How long a TCP connection may take, in ms. */
const PATIENCE = 10_000;
/** Silence, in ms, after which TCP begins to ask whether the other side is there. */
const KEEP_ALIVE = 60_000;

export type Dialed = { socket: Socket; target: Target };

/**
 * Connects to the first target that answers. The socket has TCP_NODELAY and SO_KEEPALIVE, and is paused: not a byte of
 * it has been read, nor will be.
 * @param name whom we are looking for, for the error
 * @param stop gives it up
 * @throws Fatal 111 that says what was tried and why each failed
 */
export async function dial(name: string, targets: readonly Target[], stop?: AbortSignal): Promise<Dialed> {
  const failures: string[] = [];
  for (const target of targets) {
    if (stop?.aborted) break;
    const failed = (host: string, error: Error) => {
      failures.push(`${showTarget(host, target.port)}: ${why(error)}`);
    };
    const socket = await connectAny(await addresses(target.host, failed), target.port, failed, stop);
    if (socket !== null) return { socket, target };
  }
  throw new Fatal(EXIT.temporary, `cannot connect to ${name}: ${failures.join('; ')}`);
}

/** Hears of each failure: a name that was not found, or an address that did not take the connection. */
export type Failed = (host: string, error: Error) => void;

async function addresses(host: string, failed: Failed): Promise<string[]> {
  if (isIP(host)) return [host];
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return interleave(found.map(({ address }) => address));
  } catch (error) {
    failed(host, error instanceof Error ? error : new Error(String(error)));
    return [];
  }
}

/** RFC 8305 4: the families take turns, that of the system's first choice first. */
export function interleave(found: readonly string[]): string[] {
  const first = found.filter((address) => isIPv6(address) === isIPv6(found[0]!));
  const second = found.filter((address) => !first.includes(address));
  return found.flatMap((_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]);
}

/**
 * RFC 8305 5: the next attempt begins when one has failed or the last one's head start is over; the first to connect
 * wins, and the others are given up.
 * @param stop gives them all up
 * @returns null if all failed, of which `failed` has been told
 */
export function connectAny(
  hosts: readonly string[],
  port: number,
  failed: Failed,
  stop?: AbortSignal,
): Promise<Socket | null> {
  return new Promise((resolve) => {
    const waiting = [...hosts];
    const running = new Set<Socket>();
    let timer: NodeJS.Timeout | undefined;
    const next = () => {
      clearTimeout(timer);
      if (stop?.aborted) return;
      const host = waiting.shift();
      if (host !== undefined) {
        running.add(attempt(host));
        timer = setTimeout(next, HEAD_START);
      } else if (running.size === 0) resolve(null);
    };
    const attempt = (host: string) => {
      const socket = begin(host, port);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.setTimeout(0);
        running.delete(socket);
        for (const other of running) other.destroy();
        stop?.removeEventListener('abort', abort);
        resolve(socket);
      });
      socket.on('error', (error) => {
        if (!running.delete(socket)) return;
        failed(host, error);
        next();
      });
      return socket;
    };
    const abort = () => {
      clearTimeout(timer);
      for (const socket of running) socket.destroy();
      resolve(null);
    };
    stop?.addEventListener('abort', abort, { once: true });
    next();
  });
}

function begin(host: string, port: number): Socket {
  const socket = new Socket();
  // Before connect(): or else Node reads what the server says first, and it is lost to whom the socket is for.
  socket.pause();
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no answer')));
  socket.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE });
  return socket;
}

function why(error: Error): string {
  const code = errno(error);
  if (code === 'ENOTFOUND') return 'no such host';
  if (code === 'EAI_AGAIN') return 'the name servers do not answer';
  for (const [name, text] of getSystemErrorMap().values()) if (name === code) return text;
  return error.message;
}
