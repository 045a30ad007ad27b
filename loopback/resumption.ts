/** Sessions without a connection, how they get another one, and how they end: XEP-0198 1.6, section 5. */
import { acknowledge, parseCount } from './counts.ts';
import type { Account, Connection, Hub, Session } from './hub.ts';
import { askSoon, failed, told, tooHigh } from './management.ts';
import { delayed, undelivered } from './message.ts';
import { leave } from './presence.ts';
import { type Element, el, NS } from './xml.ts';

/** How many ended sessions are remembered, to tell how much of them had arrived. */
const REMEMBERED = 1000;
/** Longer than that, and a timer would not wait at all, in seconds. */
const LONGEST = 2_000_000;

const here = (session: Session) => session.account.sessions.get(session.jid.resource) === session;

/** The connection of a session is gone without a word: it waits for another one if it may, or ends. */
export function abandon(hub: Hub, session: Session): void {
  const { managed, jid } = session;
  if (!here(session)) return;
  if (managed?.id === undefined) return depart(hub, session, 'lost');
  managed.timer = setTimeout(() => depart(hub, session, 'expired'), Math.min(managed.max, LONGEST) * 1000);
  managed.timer.unref();
  session.end = (condition) => depart(hub, session, condition ?? 'closed');
  hub.journal.note({ what: 'hibernated', jid: jid.full, id: managed.id, waiting: managed.waiting.length });
}

/** Ends a session for good. Those who see it learn of it, and what it has not got goes elsewhere. */
export function depart(hub: Hub, session: Session, why: string): void {
  const { account, jid, managed } = session;
  if (!here(session)) return;
  const waiting = managed?.waiting.splice(0) ?? [];
  if (managed?.id !== undefined) {
    hub.past.set(managed.id, { account, received: managed.received });
    for (const id of hub.past.keys()) if (hub.past.size > REMEMBERED) hub.past.delete(id);
  }
  remove(hub, session);
  leave(hub, session);
  for (const { stanza, sentAt } of waiting) undelivered(hub, account, stanza, sentAt);
  hub.journal.note({ what: 'ended', jid: jid.full, id: managed?.id ?? '', why, waiting: waiting.length });
}

/** A session is gone as if it had never been: nobody is told, and what waited for it is lost. */
export function forget(hub: Hub, session: Session): void {
  remove(hub, session);
  hub.journal.note({
    what: 'ended',
    jid: session.jid.full,
    id: session.managed?.id ?? '',
    why: 'forgotten',
    waiting: 0,
  });
}

function remove(hub: Hub, session: Session): void {
  const { account, jid, managed } = session;
  account.sessions.delete(jid.resource);
  clearTimeout(managed?.timer);
  if (managed?.id !== undefined) hub.resumable.delete(managed.id);
}

/**
 * Answers `<resume/>` of a client that has logged in and not bound.
 * @returns the session, which has this connection now and still has to be welcomed; undefined where it was refused
 * @throws StreamError where the client acknowledges more than it was sent
 */
export function resume(hub: Hub, account: Account, e: Element, connection: Connection): Session | undefined {
  const { previd = '' } = e.attrs;
  const h = parseCount(e.attrs.h);
  const found = hub.resumable.get(previd);
  const session = found?.account === account ? found : undefined;
  const refuse = (condition: string) => {
    const past = hub.past.get(previd);
    const tells = past?.account === account && hub.faults.sm?.failedWithoutCount !== true;
    connection.write(failed(condition, tells ? { h: told(hub, past.received) } : {}));
    hub.journal.note({ what: 'refused', jid: account.bare, id: previd, condition });
    return undefined;
  };
  if (h === undefined) return refuse('bad-request');
  const fault = hub.faults.sm?.resumeError;
  if (fault !== undefined) {
    if (session !== undefined) depart(hub, session, 'refused');
    return refuse(fault);
  }
  if (session?.managed === undefined) return refuse('item-not-found');
  const { managed } = session;
  if (!acknowledge(managed, h)) throw tooHigh(h, managed.sent);
  const replaced = managed.timer === undefined ? session.end : undefined;
  clearTimeout(managed.timer);
  Object.assign(managed, { timer: undefined, asking: 'no', askedAt: undefined, injected: undefined });
  // First the session moves, so that it does not end with the old stream.
  Object.assign(session, connection);
  replaced?.('conflict', 'resumed by another connection');
  const {
    jid,
    managed: { received, waiting },
  } = { ...session, managed };
  hub.journal.note({
    what: 'resumed',
    jid: jid.full,
    id: previd,
    h,
    received,
    resent: waiting.length,
    replaced: replaced !== undefined,
  });
  return session;
}

/** Tells the client that the session goes on, and gives it what it has not got. */
export function welcome(hub: Hub, session: Session): void {
  const { managed } = session;
  if (managed === undefined) return;
  session.write(el('resumed', NS.sm, { previd: managed.id, h: told(hub, managed.received) }));
  for (const { stanza, sentAt } of managed.waiting) {
    session.write(stanza.name === 'iq' ? stanza : delayed(hub, stanza, sentAt));
  }
  askSoon(hub, session, managed);
}
