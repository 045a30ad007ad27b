/**
 * The roster, as far as the daemons have to know it at once: whoever is in it is no stranger, and its subscriptions say
 * who may see own presence. It is in the file `.roster` before what comes after it is handed on.
 */

import { reason } from '../../sys/errno.ts';
import { readFriends, writeFriends } from '../../tree/newcomers.ts';
import type { Piece } from '../../xml/split.ts';
import { eachGrandchild } from '../../xml/tree.ts';
import { bareOf } from '../jid/jid.ts';
import { fromOwnAccount } from '../jid/own-account.ts';
import { ROSTER_NS } from '../ns.ts';
import { rootOf } from './route.ts';

/** The id of our own request for the roster: no local program can have it. */
export const ROSTER_ID = 'sj:roster';

export type RosterKeeper = {
  /**
   * Looks at an iq on its way to iqd: whether it is the roster, or a change of it.
   * @returns true if it is the answer to our own request, and so for nobody else
   */
  look(piece: Piece): boolean;
  /** Writes it, if it has changed. */
  write(): void;
};

/**
 * @param own the own bare JID
 * @param lost a contact's presence is not for us any more: servers need not say that it is unavailable
 */
export function createRosterKeeper(
  dir: string,
  own: string,
  warn: (message: string) => void,
  lost: (jid: string) => void = () => {},
): RosterKeeper {
  let contacts: Map<string, string> | null = null;
  let changed = false;
  let complained = false;

  function take(piece: Piece, whole: boolean): void {
    if (whole) contacts = new Map();
    contacts ??= readFriends(dir);
    changed ||= whole;
    const known = contacts;
    eachGrandchild(piece.buf.subarray(piece.start, piece.end), piece.scope, (item, query) => {
      if (!item.is('item', ROSTER_NS) || !query.is('query', ROSTER_NS)) return;
      const { jid = '', subscription = 'none' } = item.attrs;
      const bare = bareOf(jid);
      if (bare === null) return;
      changed = true;
      const saw = SEEN.has(known.get(bare) ?? '');
      if (subscription === 'remove') known.delete(bare);
      else known.set(bare, SUBSCRIPTIONS.has(subscription) ? subscription : 'none');
      if (saw && !whole && !SEEN.has(subscription)) lost(bare);
    });
  }

  return {
    look(piece) {
      const { id, type, from } = rootOf(piece).attrs;
      const request = type === 'get' || type === 'set';
      const ours = !request && id === ROSTER_ID;
      const push = type === 'set' && fromOwnAccount(from, own);
      if ((push || (ours && type === 'result')) && piece.buf.subarray(piece.start, piece.end).includes(ROSTER_NS))
        take(piece, ours);
      return ours;
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

/** Subscriptions by which we see the contact's presence. */
const SEEN: ReadonlySet<string> = new Set(['to', 'both']);
const SUBSCRIPTIONS: ReadonlySet<string> = new Set(['none', 'to', 'from', 'both']);
