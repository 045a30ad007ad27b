/**
 * The roster, as far as the daemons have to know it at once: whoever is in it is no stranger. It is in the file
 * `.roster` before what comes after it is handed on.
 */
import { reason } from '../cli/die.ts';
import { readFriends, writeFriends } from '../files/newcomers.ts';
import { fromOwnAccount, ROSTER_NS } from '../iq/request.ts';
import { rosterItems } from '../iq/roster.ts';
import { bareOf } from '../jid/jid.ts';
import type { Piece } from '../xml/split.ts';
import { ROSTER_ID } from './control.ts';
import { treeOf } from './route.ts';

export type RosterKeeper = {
  /** Looks at an iq on its way to iqd: whether it is the roster, or a change of it. */
  look(piece: Piece): void;
  /** Writes it, if it has changed. */
  write(): void;
};

/** @param own the own bare JID */
export function createRosterKeeper(dir: string, own: string, warn: (message: string) => void): RosterKeeper {
  let contacts: Set<string> | null = null;
  let changed = false;
  let complained = false;

  return {
    look(piece) {
      const bytes = piece.buf.subarray(piece.start, piece.end);
      if (!bytes.includes(ROSTER_NS)) return;
      const iq = treeOf(piece);
      const { id, type, from } = iq.attrs;
      const whole = type === 'result' && id === ROSTER_ID;
      if (!whole && (type !== 'set' || !fromOwnAccount(from, own, bareOf))) return;
      if (whole) contacts = new Set();
      contacts ??= new Set(readFriends(dir));
      for (const { jid, subscription } of rosterItems(iq)) {
        const bare = bareOf(jid);
        if (bare === null) continue;
        changed = true;
        if (subscription === 'remove') contacts.delete(bare);
        else contacts.add(bare);
      }
      changed ||= whole;
    },
    write() {
      if (!changed || contacts === null) return;
      changed = false;
      try {
        writeFriends(dir, contacts);
        complained = false;
      } catch (error) {
        if (!complained) warn(`cannot write the roster: ${reason(error)}`);
        complained = true;
      }
    },
  };
}
