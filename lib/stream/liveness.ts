/**
 * Whether the other side is still there. Any byte from it counts; after half the time limit in silence it is asked
 * (XEP-0199 2.0.1), after the whole limit it is given up. Pure: the caller has the clock and the timer.
 */

export type Liveness = {
  /** Something was received, or we could not listen until now. */
  heard(now: number): void;
  /** What is due, and in how many milliseconds to ask again. */
  check(now: number): { verdict: 'alive' | 'ask' | 'dead'; next: number };
};

/** @param limit the longest silence, in milliseconds; `now` is a monotonic clock in milliseconds */
export function createLiveness(limit: number, now: number): Liveness {
  let last = now;
  let asked = false;
  return {
    heard(at) {
      last = at;
      asked = false;
    },
    check(at) {
      const silent = at - last;
      if (silent >= limit) return { verdict: 'dead', next: 0 };
      if (asked || silent < limit / 2) return { verdict: 'alive', next: asked ? limit - silent : limit / 2 - silent };
      asked = true;
      return { verdict: 'ask', next: limit - silent };
    },
  };
}
