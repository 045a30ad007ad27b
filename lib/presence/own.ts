/**
 * What has to be sent so that everybody sees the own presence that they shall see: one for all, and another one for
 * those contacts that have their own.
 */
import { type Own, sameOwn } from '../tree/mypresence.ts';

/** Own presence to be sent: to one contact, or else to everybody. */
export type OwnUpdate = { readonly to?: string; readonly own: Own };

export type OwnPresence = {
  /**
   * @param global the presence for everybody
   * @param contacts of the contacts that were looked at: their own presence, or null where there is none (any more)
   * @returns what is to be sent, in this order
   */
  update(global: Own, contacts: ReadonlyMap<string, Own | null>): OwnUpdate[];
  /** The contacts that have a presence of their own. */
  contacts(): Iterable<string>;
  /** What a contact, or with an empty text everybody, is to see by now; null: nothing of its own. */
  of(jid: string): Own | null;
};

/** Takes a presence back. */
export const OFFLINE: Own = { show: 'offline', status: '' };

/**
 * The first update is the session's begin: the initial presence, and the directed ones.
 * @param before what was sent already, where the session goes on: by contact, and for everybody by the empty text
 */
export function createOwnPresence(before: ReadonlyMap<string, Own> = new Map()): OwnPresence {
  let sent: Own | null = before.get('') ?? null;
  const directed = new Map(before);
  directed.delete('');

  /** Takes the changes over; says who has lost their own presence, and who has another one. */
  const accept = (contacts: ReadonlyMap<string, Own | null>) => {
    const withdrawn: [string, Own][] = [];
    const changed: string[] = [];
    for (const [jid, own] of contacts) {
      const before = directed.get(jid);
      if (own === null && before !== undefined) {
        directed.delete(jid);
        withdrawn.push([jid, before]);
      } else if (own !== null && (before === undefined || !sameOwn(own, before))) {
        directed.set(jid, own);
        changed.push(jid);
      }
    }
    return { withdrawn, changed };
  };

  const toContact = (jid: string): OwnUpdate => ({ own: directed.get(jid)!, to: jid });

  return {
    update(global, contacts) {
      const { withdrawn, changed } = accept(contacts);
      const before = sent;
      sent = global;
      const out: OwnUpdate[] = [];
      // Who loses a presence of their own shall see the global one, if they may. Only the server knows who may, and it
      // tells only those who are subscribed when it gets the global one again. Whoever is not would be left with the
      // directed one for good (section 4.6.3), so it is taken back first.
      for (const [jid, own] of withdrawn) {
        if (own.show !== 'offline') out.push({ own: OFFLINE, to: jid });
      }
      // A session begins unavailable, there is nothing to tell. Nor is there when nobody sees more than "offline".
      const first = before === null && global.show !== 'offline';
      const other = before !== null && !sameOwn(before, global);
      const again = withdrawn.length > 0 && global.show !== 'offline';
      if (!(first || other || again)) return [...out, ...changed.map(toContact)];
      // The global one goes to subscribers with a presence of their own as well, and `unavailable` to all that ever
      // got a directed one (section 4.6.3), so these follow, and never the other way around.
      return [...out, { own: global }, ...Array.from(directed.keys(), toContact)];
    },
    contacts: () => directed.keys(),
    of: (jid) => (jid === '' ? sent : directed.get(jid)) ?? null,
  };
}
