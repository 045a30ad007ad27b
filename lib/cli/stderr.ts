/** Standard error that never blocks. To a terminal Node writes synchronously, and one that ^S has stopped takes nothing. */
import { constants, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { errno } from '../sys/errno.ts';

/** Bytes that wait for a terminal to go on. */
const HELD = 65_536;
/** After so many milliseconds it is tried again. */
const AGAIN = 100;

/** A function that writes text to standard error. */
export function openStderr(): (text: string) => void {
  const fd = isatty(2) ? reopen() : null;
  if (fd !== null) return createPatient((bytes) => writeSync(fd, bytes));
  process.stderr.on('error', () => {});
  return (text) => void process.stderr.write(text);
}

/** The terminal once more: O_NONBLOCK on descriptor 2 itself would hold for all who share it. */
function reopen(): number | null {
  try {
    return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // It may belong to somebody else, after su(1).
    return null;
  }
}

/**
 * Writes text to something that does not always take it: what is not taken waits, up to a limit; what is beyond that is
 * dropped, and the number of such texts is written in its place.
 * @param write returns how many bytes it took, or throws EAGAIN; after any other error nothing is written any more
 */
export function createPatient(write: (bytes: Buffer) => number): (text: string) => void {
  let held: Buffer[] = [];
  let size = 0;
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let broken = false;

  function hold(text: string): void {
    const bytes = Buffer.from(text);
    held.push(bytes);
    size += bytes.length;
  }

  /** @returns whether all of it was taken */
  function flush(): boolean {
    const bytes = Buffer.concat(held);
    let at = 0;
    try {
      while (at < bytes.length) at += write(bytes.subarray(at));
    } catch (error) {
      broken = errno(error) !== 'EAGAIN';
    }
    size = broken ? 0 : bytes.length - at;
    held = size === 0 ? [] : [bytes.subarray(at)];
    return size === 0;
  }

  function retry(): void {
    timer = undefined;
    let done = flush();
    if (done && dropped > 0) {
      hold(`(${dropped} messages dropped: the terminal was stopped)\n`);
      dropped = 0;
      done = flush();
    }
    if (!done) again();
  }

  function again(): void {
    timer = setTimeout(retry, AGAIN);
    timer.unref();
  }

  return (text) => {
    if (broken) return;
    if (size > 0 && (dropped > 0 || size + Buffer.byteLength(text) > HELD)) {
      dropped++;
      return;
    }
    hold(text);
    if (timer === undefined && !flush()) again();
  };
}
