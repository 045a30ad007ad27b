/** Writing into a FIFO that somebody may read, or not, or not yet: without ever blocking, and with an end. */
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errno } from '../../sys/errno.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = fs.constants;

export type Patience = {
  /** Milliseconds to wait for a reader. */
  readonly reader: number;
  /** Milliseconds that a reader may take to read it all. */
  readonly reading: number;
  /** Ends either. */
  readonly signal?: AbortSignal;
};

/**
 * - `written`: all of it is in the pipe.
 * - `unread`: nobody has opened it for reading.
 * - `cut`: the reader left, or stopped reading, when a part was written.
 * - `gone`: it is not there any more, or is something else now.
 */
export type Fate = 'written' | 'unread' | 'cut' | 'gone';

/** How often to look for a reader: at first often, then less so, in milliseconds. */
const FIRST_TRY = 20;
const LAST_TRY = 200;

/**
 * Writes a text into a FIFO. A reader that comes before patience ends is waited for, and so is one that reads slowly
 * what the pipe can't hold.
 * @param follow whether a symbolic link to a FIFO will do
 * @throws what the system says when it is not a matter of readers (EACCES, EMFILE)
 */
export async function writeFifo(path: string, text: Uint8Array, patience: Patience, follow = false): Promise<Fate> {
  const until = Date.now() + patience.reader;
  for (let pause = FIRST_TRY; ; pause = Math.min(pause * 1.5, LAST_TRY)) {
    const fd = open(path, follow);
    if (typeof fd === 'number') {
      const fate = await write(fd, text, patience);
      if (fate !== 'unread') return fate;
    } else if (fd === 'gone') {
      return 'gone';
    }
    const left = until - Date.now();
    if (left <= 0 || patience.signal?.aborted) return 'unread';
    await sleep(Math.min(pause, left), undefined, { signal: patience.signal }).catch(() => {});
  }
}

/** Opens it for writing if it is a FIFO with a reader. Nothing else is opened: a device might mind. */
function open(path: string, follow: boolean): number | 'unread' | 'gone' {
  let fd: number;
  try {
    if (!(follow ? fs.statSync(path) : fs.lstatSync(path)).isFIFO()) return 'gone';
    fd = fs.openSync(path, O_WRONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
  } catch (error) {
    const code = errno(error);
    if (code === 'ENXIO') return 'unread';
    if (code === 'ENOENT' || code === 'ELOOP') return 'gone';
    throw error;
  }
  if (fs.fstatSync(fd).isFIFO()) return fd;
  fs.closeSync(fd);
  return 'gone';
}

async function write(fd: number, text: Uint8Array, patience: Patience): Promise<Fate> {
  let written = 0;
  try {
    written = fs.writeSync(fd, text);
  } catch (error) {
    if (errno(error) === 'EPIPE') {
      fs.closeSync(fd);
      return 'unread';
    }
    if (errno(error) !== 'EAGAIN') {
      fs.closeSync(fd);
      throw error;
    }
  }
  if (written === text.length) {
    fs.closeSync(fd);
    return 'written';
  }
  return writeRest(fd, text.subarray(written), patience);
}

/** What the pipe did not take at once. The descriptor is the socket's from here on. */
function writeRest(fd: number, rest: Uint8Array, { reading, signal }: Patience): Promise<Fate> {
  return new Promise((resolve) => {
    const socket = new net.Socket({ fd, readable: false, writable: true });
    const stop = () => socket.destroy();
    const timer = setTimeout(stop, reading);
    let fate: Fate = 'cut';
    signal?.addEventListener('abort', stop, { once: true });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      resolve(fate);
    });
    socket.on('finish', () => {
      fate = 'written';
      socket.destroy();
    });
    socket.end(rest);
    if (signal?.aborted) stop();
  });
}
