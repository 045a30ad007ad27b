/** Chance that a seed repeats (mulberry32). */
export type Random = {
  /** From 0 on, below `n`. */
  below(n: number): number;
  /** True so often out of 1. */
  chance(p: number): boolean;
  pick<T>(from: readonly T[]): T;
};

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (n) => Math.floor(next() * n),
    chance: (p) => next() < p,
    pick: (from) => from[Math.floor(next() * from.length)]!,
  };
}
