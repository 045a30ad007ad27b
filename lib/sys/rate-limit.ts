/** How fast something may go: so much a second in the long run, and so much more at once. Pure. */

export type RateLimit = {
  /**
   * Takes an amount if there is room for it; nothing is taken if there is not.
   * @param now a monotonic clock in milliseconds
   */
  take(amount: number, now: number): boolean;
};

/** @param rate what comes back in a second; `burst` what there is at most, and at first */
export function createRateLimit(rate: number, burst: number, start: number): RateLimit {
  let left = burst;
  let since = start;
  return {
    take(amount, now) {
      left = Math.min(burst, left + (rate * Math.max(0, now - since)) / 1000);
      since = now;
      // What is larger than the whole bucket passes when the bucket is full, or it never would.
      if (amount > left && left < burst) return false;
      left -= amount;
      return true;
    },
  };
}
