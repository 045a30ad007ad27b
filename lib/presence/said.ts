/**
 * What others see of us by what sj has taken: only that need not be said again by the process after this one. Kept
 * under the group of the empty text, which is no JID, by whom it was said to; the empty text is everybody.
 */
import type { Known } from '../files/notes.ts';
import type { Memory } from './contacts.ts';
import { type Own, ownOf } from './mypresence.ts';

export type Said = {
  /** A stanza is sent; by it `jid` sees `own`, or nothing of its own any more. */
  say(jid: string, own: Own | null): void;
  /** sj has taken the first `n` of them. */
  sent(n: number): void;
  /** sj does not send this one. */
  refused(n: number): void;
};

const GROUP = '';

export function createSaid(memory: () => Memory | null): Said {
  /** What is not known to be taken, oldest first. */
  let open: { jid: string; own: Own | null; refused: boolean }[] = [];
  let taken = 0;
  return {
    say: (jid, own) => void open.push({ jid, own, refused: false }),
    sent(n) {
      const count = Math.max(0, n - taken);
      for (const { jid, own, refused } of open.slice(0, count)) {
        if (refused) continue;
        if (own === null) memory()?.remove(GROUP, jid);
        else memory()?.set(GROUP, jid, own);
      }
      open = open.slice(count);
      taken += count;
    },
    refused(n) {
      const stanza = open[n - taken - 1];
      if (stanza !== undefined) stanza.refused = true;
    },
  };
}

/** What was said before, by whom it was said to. */
export function saidBefore(known: Known): Map<string, Own> {
  const said = new Map<string, Own>();
  for (const [jid, value] of known.groups.get(GROUP) ?? []) {
    const own = ownOf(value);
    if (own !== null) said.set(jid, own);
  }
  return said;
}
