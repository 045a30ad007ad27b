/**
 * Whether the other side is still there. Any byte from it counts; after half the time limit in silence it is asked
 * (XEP-0199 2.0.1), after the whole limit it is given up. Pure: the caller has the clock and the timer.
 */

export type Liveness = {
  /** Something was received, or we could not listen until now. */
  heard(now: number): void;
  /** The network may have changed, or the machine has slept: an answer is wanted soon. */
  doubt(now: number): void;
  /** What is due, and in how many milliseconds to ask again. */
  check(now: number): { verdict: 'alive' | 'ask' | 'dead'; next: number };
};

/** In doubt, the other side has so many milliseconds. */
const HURRY = 10_000;

/** @param limit the longest silence, in milliseconds; `now` is a monotonic clock in milliseconds */
export function createLiveness(limit: number, now: number): Liveness {
  let ask = now + limit / 2;
  let end = now + limit;
  let asked = false;
  return {
    heard(at) {
      ask = at + limit / 2;
      end = at + limit;
      asked = false;
    },
    doubt(at) {
      ask = at;
      end = Math.min(end, at + Math.min(limit, HURRY));
      // What was asked before the doubt may never have left.
      asked = false;
    },
    check(at) {
      if (at >= end) return { verdict: 'dead', next: 0 };
      if (asked || at < ask) return { verdict: 'alive', next: (asked ? end : ask) - at };
      asked = true;
      return { verdict: 'ask', next: end - at };
    },
  };
}
