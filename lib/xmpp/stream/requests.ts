/**
 * Requests for own presence that are open (RFC 6121 section 3.1): the server names them again at the begin of each
 * session, and says nothing of those that were answered.
 */
import { bareOf } from '../jid/jid.ts';

type Attrs = { readonly [name: string]: string | undefined };

export type Requests = {
  /** Presence from the server. */
  heard(attrs: Attrs): void;
  /** Presence of our own goes out. */
  sent(attrs: Attrs): void;
  /** Who has asked, if that has changed since this was asked last; else null. */
  changed(): ReadonlySet<string> | null;
};

/** So many are remembered: they come from strangers. */
const MOST = 1000;

/** @param before those of a session that goes on */
export function createRequests(before: Iterable<string> = []): Requests {
  const open = new Set(before);
  let dirty = false;

  const close = (jid: string | undefined) => {
    if (open.size === 0) return;
    const bare = bareOf(jid ?? '');
    if (bare !== null && open.delete(bare)) dirty = true;
  };

  return {
    heard({ type, from = '' }) {
      if (type === 'unsubscribe') close(from);
      if (type !== 'subscribe' || open.size >= MOST) return;
      const bare = bareOf(from);
      if (bare === null || open.has(bare)) return;
      open.add(bare);
      dirty = true;
    },
    sent({ type, to }) {
      if (type === 'subscribed' || type === 'unsubscribed') close(to);
    },
    changed() {
      if (!dirty) return null;
      dirty = false;
      return open;
    },
  };
}
