/** An outlet that has a path: what is there is looked at anew for each burst of lines, because it comes and goes. */
import fs from 'node:fs';
import path from 'node:path';
import { writeAll } from './append.ts';
import { errno } from './errno.ts';
import type { OnWritten, Outlet } from './outlet-type.ts';

const { O_APPEND, O_NONBLOCK, O_WRONLY } = fs.constants;

/** How much is kept in memory before `send` says false. */
export const HIGH = 262_144;

/** What one write into a FIFO may hold so that it does not mix with those of others (PIPE_BUF). */
const ATOMIC = 4096;
/** So long, in milliseconds, we wait for a full FIFO or a lock at first, and at most. */
const WAIT = { first: 5, most: 80 };

type Line = { bytes: Buffer; fate: OnWritten | undefined };

/**
 * Into a FIFO goes one write at a time of as many whole lines as do not mix with what others write; a longer line goes
 * in pieces, under the lock `.in.lock` beside the FIFO, so that at least no two such lines mix.
 */
export function pathOutlet(target: string): Outlet {
  const lock = path.join(path.dirname(target), '.in.lock');
  const queue: Line[] = [];
  const drained: (() => void)[] = [];
  const idle: (() => void)[] = [];
  let complain: (error: Error) => void = () => {};
  let size = 0;
  let fd = -1;
  let most = ATOMIC;
  let locked = false;
  let broken = false;
  let timer: NodeJS.Timeout | null = null;
  let soon = false;
  let wait = WAIT.first;

  function run(): void {
    timer = null;
    soon = false;
    try {
      while (queue.length > 0 && writeSome());
      broken = false;
    } catch (error) {
      fail(error as Error);
    }
    if (queue.length > 0) later();
    else rest();
  }

  /** @returns false if it has to wait */
  function writeSome(): boolean {
    if (fd < 0) open();
    const first = queue[0]!;
    if (first.bytes.length > most && !locked && !(locked = takeLock(lock))) return false;
    let count = 1;
    let length = first.bytes.length;
    while (!locked && count < queue.length && length + queue[count]!.bytes.length <= most)
      length += queue[count++]!.bytes.length;
    const written =
      count === 1 ? put(first.bytes) : put(Buffer.concat(queue.slice(0, count).map(({ bytes }) => bytes)));
    if (written === 0) return false;
    wait = WAIT.first;
    size -= written;
    if (written < length) {
      first.bytes = first.bytes.subarray(written);
      return false;
    }
    if (locked) unlock();
    for (const { fate } of queue.splice(0, count)) fate?.(null);
    return true;
  }

  function open(): void {
    fd = fs.openSync(target, O_WRONLY | O_APPEND | O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (!stat.isFIFO() && !stat.isFile()) throw new Error('neither a FIFO nor a file');
    most = stat.isFIFO() ? ATOMIC : Number.POSITIVE_INFINITY;
  }

  /** @returns how many bytes were taken */
  function put(bytes: Buffer): number {
    if (most !== ATOMIC) {
      writeAll(fd, bytes);
      return bytes.length;
    }
    try {
      return fs.writeSync(fd, bytes);
    } catch (error) {
      if (errno(error) === 'EAGAIN') return 0;
      throw error;
    }
  }

  function later(): void {
    timer ??= setTimeout(run, wait);
    wait = Math.min(2 * wait, WAIT.most);
  }

  function unlock(): void {
    locked = false;
    fs.rmSync(lock, { recursive: true, force: true });
  }

  function fail(cause: Error): void {
    const code = errno(cause);
    const error =
      code === 'ENXIO' || code === 'EPIPE' ? Object.assign(new Error('sj is not running'), { code }) : cause;
    broken = true;
    size = 0;
    const lost = queue.splice(0);
    for (const { fate } of lost) fate?.(error);
    complain(error);
  }

  function rest(): void {
    if (locked) unlock();
    if (fd >= 0) fs.closeSync(fd);
    fd = -1;
    wait = WAIT.first;
    for (const listener of drained) listener();
    for (const resolve of idle.splice(0)) resolve();
  }

  return {
    send(line, fate) {
      const bytes = Buffer.from(`${line}\n`);
      queue.push({ bytes, fate });
      size += bytes.length;
      if (timer === null && !soon) {
        soon = true;
        setImmediate(run);
      }
      return size < HIGH;
    },
    onDrain: (listener) => void drained.push(listener),
    onError(listener) {
      complain = listener;
    },
    get broken() {
      return broken;
    },
    end(patience) {
      if (queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const giveUp = () => {
          if (timer !== null) clearTimeout(timer);
          timer = null;
          fail(new Error('nobody reads what is sent'));
          rest();
        };
        const clock = patience === undefined ? undefined : setTimeout(giveUp, patience);
        idle.push(() => {
          clearTimeout(clock);
          resolve();
        });
      });
    },
  };
}

/** After so many milliseconds a lock is taken for one that was left behind. */
const STALE = 60_000;

function takeLock(lock: string): boolean {
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
