/**
 * Where a daemon sends its stanzas, one a line: back to sj on a descriptor (`/dev/fd/N`), into a FIFO that others write
 * as well, or onto the end of a plain file.
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { errno } from '../cli/die.ts';
import { appendRecord } from './append.ts';

export type Outlet = {
  /** Sends a line without its line feed; false: it is kept, but more should wait for `onDrain`. */
  send(line: string): boolean;
  onDrain(listener: () => void): void;
  onError(listener: (error: Error) => void): void;
  /** Nobody takes what is sent any more. */
  readonly broken: boolean;
  /** Resolves when everything has been written, or can't be. */
  end(): Promise<void>;
};

/** Kept in memory before `send` says false, in bytes. */
const HIGH = 262_144;
/** What one write into a FIFO may hold so that it does not mix with those of others (PIPE_BUF). */
const ATOMIC = 4096;

/** Opens what option `-o` names. @throws Error if a descriptor is not open */
export function openOutlet(target: string): Outlet {
  const fd = /^\/dev\/fd\/(\d+)$/.exec(target)?.[1];
  return fd === undefined ? pathOutlet(target) : descriptorOutlet(Number(fd));
}

function descriptorOutlet(fd: number): Outlet {
  const stat = fs.fstatSync(fd);
  if (!stat.isSocket() && !stat.isFIFO()) return writerOutlet((bytes) => void fs.writeSync(fd, bytes));
  const socket = new net.Socket({ fd, readable: false, writable: true });
  let broken = false;
  let batch: string[] = [];
  let queued = 0;
  let complain: (error: Error) => void = () => {};
  socket.on('error', (error) => {
    broken = true;
    complain(error);
  });
  const flush = () => {
    if (batch.length === 0) return;
    const text = batch.join('');
    batch = [];
    queued = 0;
    if (!broken) socket.write(text);
  };
  return {
    send(line) {
      if (batch.length === 0) setImmediate(flush);
      batch.push(line, '\n');
      queued += line.length;
      return queued + socket.writableLength < HIGH;
    },
    onDrain: (listener) => void socket.on('drain', listener),
    onError(listener) {
      complain = listener;
    },
    get broken() {
      return broken;
    },
    end() {
      flush();
      return new Promise((resolve) => {
        if (broken) return resolve();
        socket.on('close', () => resolve());
        socket.end(() => socket.destroy());
      });
    },
  };
}

function pathOutlet(target: string): Outlet {
  let kind: fs.Stats | null = null;
  try {
    kind = fs.statSync(target);
  } catch {}
  if (kind?.isFIFO()) return fifoOutlet(target);
  return writerOutlet((bytes) => {
    if (!fs.existsSync(target)) throw new Error('no such file or directory');
    appendRecord(target, bytes);
  });
}

/** Writes at once or not at all. */
function writerOutlet(write: (bytes: Buffer) => void): Outlet {
  let complain: (error: Error) => void = () => {};
  let broken = false;
  return {
    send(line) {
      try {
        write(Buffer.from(`${line}\n`));
        broken = false;
      } catch (error) {
        broken = true;
        complain(error as Error);
      }
      return true;
    },
    onDrain() {},
    onError(listener) {
      complain = listener;
    },
    get broken() {
      return broken;
    },
    end: async () => {},
  };
}

const { O_NONBLOCK, O_WRONLY } = fs.constants;
const RETRY = 5;

/** A FIFO that others write, too: one write at a time, long lines only under the lock `.in.lock` beside it. */
function fifoOutlet(target: string): Outlet {
  const queue: Buffer[] = [];
  let size = 0;
  let fd = -1;
  let locked = false;
  let broken = false;
  let timer: NodeJS.Timeout | null = null;
  let complain: (error: Error) => void = () => {};
  const drained: (() => void)[] = [];
  const idle: (() => void)[] = [];
  const lock = path.join(path.dirname(target), '.in.lock');

  function run(): void {
    timer = null;
    try {
      if (queue.length > 0 && fd < 0) fd = fs.openSync(target, O_WRONLY | O_NONBLOCK);
      while (queue.length > 0) {
        const bytes = queue[0]!;
        if (bytes.length > ATOMIC && !locked && !(locked = takeWriteLock(lock))) return again();
        const written = fs.writeSync(fd, bytes);
        size -= written;
        if (written < bytes.length) {
          queue[0] = bytes.subarray(written);
          return again();
        }
        queue.shift();
        if (locked) unlock();
      }
      broken = false;
    } catch (error) {
      if (errno(error) === 'EAGAIN') return again();
      if (locked) unlock();
      broken = true;
      queue.length = size = 0;
      complain(errno(error) === 'ENXIO' || errno(error) === 'EPIPE' ? new Error('sj is not running') : (error as Error));
    }
    if (fd >= 0) fs.closeSync(fd);
    fd = -1;
    for (const listener of drained) listener();
    for (const resolve of idle.splice(0)) resolve();
  }
  function again(): void {
    timer ??= setTimeout(run, RETRY);
  }
  function unlock(): void {
    locked = false;
    fs.rmSync(lock, { recursive: true, force: true });
  }
  return {
    send(line) {
      const bytes = Buffer.from(`${line}\n`);
      queue.push(bytes);
      size += bytes.length;
      if (timer === null) run();
      return size < HIGH;
    },
    onDrain: (listener) => void drained.push(listener),
    onError(listener) {
      complain = listener;
    },
    get broken() {
      return broken;
    },
    end: () => (queue.length === 0 ? Promise.resolve() : new Promise((resolve) => void idle.push(resolve))),
  };
}

/** After this many milliseconds a lock is taken for one that was left behind. */
const STALE = 60_000;

function takeWriteLock(lock: string): boolean {
  try {
    fs.mkdirSync(lock, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error;
    try {
      if (Date.now() - fs.statSync(lock).mtimeMs > STALE) fs.rmSync(lock, { recursive: true, force: true });
    } catch {}
    return false;
  }
}
