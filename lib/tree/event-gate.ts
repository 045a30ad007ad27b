/** How much may be appended to `events`: until the file is full, and by strangers only a part of it, slowly. Pure. */
import { createRateLimit } from '../sys/rate-limit.ts';

/** How often, in milliseconds, to look how large the file is, and at most to tell what was left out. */
const LOOK = 1000;
const TELL = 60_000;

/**
 * What strangers may add: bytes a second in the long run, bytes at once, and the part of the file that they may fill, so
 * that there is always room for what contacts do.
 */
const STRANGERS = { rate: 4096, burst: 262_144, part: 0.5 } as const;

export type GateOptions = {
  /** Bytes from which the file is full. */
  readonly most: number;
  /** How large it is now. */
  readonly size: () => number;
  /** The line that tells that it is full. */
  readonly full: () => string;
  /** The line that tells that so many events of strangers were left out. */
  readonly leftOut: (count: number) => string;
};

export type Passed = {
  /** What may be appended in the place of the line: the line itself, with or without another one, or nothing. */
  readonly text: string;
  /** Whether the line is in it. */
  readonly passed: boolean;
};

export type Gate = {
  /** @param known whether it is about nobody, or about somebody whom the user knows; `now` a monotonic clock in ms */
  pass(line: string, known: boolean, now: number): Passed;
};

export function createGate({ most, size, full, leftOut }: GateOptions): Gate {
  let looked = Number.NEGATIVE_INFINITY;
  let told = Number.NEGATIVE_INFINITY;
  let bytes = 0;
  let dropped = 0;
  const { rate, burst, part } = STRANGERS;
  let limit = createRateLimit(rate, burst, 0);
  let started = false;

  function mayStranger(length: number, now: number): boolean {
    if (!started) limit = createRateLimit(rate, burst, now);
    started = true;
    return bytes < most * part && limit.take(length, now);
  }

  function summary(now: number): string {
    if (dropped === 0 || now - told < TELL) return '';
    const text = leftOut(dropped);
    told = now;
    dropped = 0;
    return text;
  }

  return {
    pass(line, known, now) {
      if (now - looked >= LOOK) {
        looked = now;
        bytes = size();
      }
      if (bytes >= most) return { text: '', passed: false };
      const passed = known || mayStranger(Buffer.byteLength(line), now);
      if (!passed) dropped++;
      let text = summary(now) + (passed ? line : '');
      bytes += Buffer.byteLength(text);
      if (bytes >= most) text += full();
      return { text, passed };
    },
  };
}
