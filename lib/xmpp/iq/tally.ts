/**
 * Which stanzas are dealt with: each when it is, in any order; told of in their own order, so that `done(n)` means
 * everything through n. One that takes too long does not hold back the others for ever: it counts then.
 */
export type Tally = {
  /** Stanza `n` has come. @returns to be called when it is dealt with */
  open(n: number): () => void;
  close(): void;
};

/**
 * @param done told whenever more is dealt with: everything through `n`
 * @param limit milliseconds that a stanza is waited for
 */
export function createTally(done: (n: number) => void, limit: number): Tally {
  const waiting = new Map<number, NodeJS.Timeout>();
  let last = 0;

  function finish(n: number): void {
    clearTimeout(waiting.get(n));
    if (!waiting.delete(n)) return;
    const oldest = waiting.keys().next().value;
    done(oldest === undefined ? last : oldest - 1);
  }

  return {
    open(n) {
      last = n;
      const end = () => finish(n);
      waiting.set(n, setTimeout(end, limit));
      return end;
    },
    close() {
      for (const timer of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
