/** Chance that can be repeated: the same seed gives the same numbers on every machine. */
import { createHash } from 'node:crypto';

export type Random = {
  /** A whole number from 0 to n - 1. */
  int(n: number): number;
  /** Whether something of this probability has happened. */
  chance(p: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Small numbers often, large ones now and then, up to n. */
  few(n: number): number;
  shuffle<T>(list: readonly T[]): T[];
};

/** sfc32 by Chris Doty-Humphrey, started from a text. */
export function createRandom(seed: string): Random {
  const digest = createHash('sha256').update(seed).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readInt32LE(at)) as [number, number, number, number];
  function next(): number {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 2 ** 32;
  }
  const int = (n: number) => Math.floor(next() * n);
  return {
    int,
    chance: (p) => next() < p,
    pick: (list) => list[int(list.length)]!,
    few: (n) => Math.floor(n ** next()),
    shuffle(list) {
      const cards = [...list];
      for (let i = cards.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [cards[i], cards[j]] = [cards[j]!, cards[i]!];
      }
      return cards;
    },
  };
}
