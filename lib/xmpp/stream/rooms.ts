/**
 * The rooms that we are in (XEP-0045). A room is what we have asked to join, by presence of our own, and what has then
 * told us with status 110 that we are in it. Nobody else becomes one, whatever types and codes he sends.
 */

import type { Element } from 'ltx';
import { bareOf } from '../jid/jid.ts';
import { MUC_NS } from '../ns.ts';

const MUC_USER = `${MUC_NS}#user`;

export type RoomChange = { readonly jid: string; readonly nick: string; readonly on: boolean };

export type Rooms = {
  /** Presence of our own goes out. */
  sent(presence: Element): void;
  /** Whether presence of this sender may concern a room: only then is it worth looking into. */
  concerns(from: string | undefined): boolean;
  /** Presence from the server. @returns what has changed; null if nothing has */
  heard(presence: Element): RoomChange | null;
  /** The rooms and own nicks. */
  readonly joined: ReadonlyMap<string, string>;
};

/** So many rooms are joined, or asked to be, at a time. */
const MOST = 1000;

/** @param before the rooms and own nicks of a session that goes on */
export function createRooms(before: Iterable<readonly [string, string]> = []): Rooms {
  const joined = new Map(before);
  const asked = new Set<string>();

  return {
    sent(presence) {
      const { to, type } = presence.attrs;
      if (type !== undefined || to === undefined || !to.includes('/')) return;
      if (presence.getChild('x', MUC_NS) === undefined) return;
      const jid = bareOf(to);
      if (jid === null) return;
      if (asked.size >= MOST) asked.delete(asked.values().next().value!);
      asked.add(jid);
    },
    concerns(from) {
      if (from === undefined || joined.size + asked.size === 0) return false;
      const jid = bareOf(from);
      return jid !== null && (joined.has(jid) || asked.has(jid));
    },
    heard(presence) {
      const { from = '', type } = presence.attrs;
      const jid = bareOf(from);
      const slash = from.indexOf('/');
      if (jid === null || slash < 0 || !(joined.has(jid) || asked.has(jid))) return null;
      const nick = from.slice(slash + 1);
      const codes = presence.getChild('x', MUC_USER)?.getChildren('status') ?? [];
      const has = (code: string) => codes.some(({ attrs }) => attrs.code === code);
      if (type === undefined && has('110')) {
        asked.delete(jid);
        // The service may give another nick than was asked for.
        if (joined.get(jid) === nick || (!joined.has(jid) && joined.size >= MOST)) return null;
        joined.set(jid, nick);
        return { jid, nick, on: true };
      }
      if (type === 'error') asked.delete(jid);
      // A change of nick is no leave: the new one follows.
      if (type !== 'unavailable' || has('303') || !(has('110') || joined.get(jid) === nick)) return null;
      return joined.delete(jid) ? { jid, nick, on: false } : null;
    },
    joined,
  };
}
