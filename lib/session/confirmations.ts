/** What becomes of the stanzas that a daemon sends: sj tells by their numbers what it has taken, and what it refuses. */

/** Told once: null when sj has taken the stanza, else why it does not send it. */
export type Fate = (refusal: string | null) => void;

export type Confirmations = {
  /** A stanza is sent. */
  post(fate: Fate): void;
  /** sj has dealt with the first `n`. */
  sent(n: number): void;
  refused(n: number, reason: string): void;
};

export function createConfirmations(): Confirmations {
  /** By their numbers, oldest first. */
  const open = new Map<number, Fate>();
  let count = 0;
  return {
    post: (fate) => void open.set(++count, fate),
    sent(n) {
      for (const [number, fate] of open) {
        if (number > n) break;
        open.delete(number);
        fate(null);
      }
    },
    refused(n, reason) {
      const fate = open.get(n);
      open.delete(n);
      fate?.(reason);
    },
  };
}
