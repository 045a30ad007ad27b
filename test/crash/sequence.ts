/**
 * Whether numbers come as they were said: each once, in order. For long runs: it remembers the last number of each who
 * speaks, and no more. Pure.
 */
export type Sequence = {
  take(who: string, n: number): void;
  /** How many have come. */
  readonly count: number;
  readonly wrong: readonly string[];
  last(who: string): number;
};

export function createSequence(name: string): Sequence {
  const last = new Map<string, number>();
  const wrong: string[] = [];
  let count = 0;
  return {
    take(who, n) {
      count++;
      const before = last.get(who) ?? 0;
      if (n !== before + 1 && wrong.length < 100) wrong.push(`${name}, ${who}: ${n} after ${before}`);
      last.set(who, Math.max(n, before));
    },
    get count() {
      return count;
    },
    wrong,
    last: (who) => last.get(who) ?? 0,
  };
}
