/**
 * What others see of us by what sj has taken: only that need not be said again by the process after this one. Kept
 * under the group of the empty text, which is no JID, by whom it was said to; the empty text is everybody.
 */
import type { Known } from '../store/notes.ts';
import { type Own, ownOf } from '../tree/mypresence.ts';
import type { Memory } from './contacts.ts';

const GROUP = '';

/** By what was taken, `jid` sees `own`, or nothing of its own any more. */
export function keepSaid(memory: Memory, jid: string, own: Own | null): void {
  if (own === null) memory.remove(GROUP, jid);
  else memory.set(GROUP, jid, own);
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
