/** Presence: RFC 6121, section 4. */
import { accountOf, addressed, available, bounce, type Hub, isLocal, type Session } from './hub.ts';
import { type Jid, parseJid } from './jid.ts';
import { deliverOffline } from './message.ts';
import { sendSubscription } from './subscribe.ts';
import { isSubscriptionType } from './subscription.ts';
import { child, type Element, el, NS, text } from './xml.ts';

/** Takes a presence stanza from a client; its `from` is stamped already. */
export function handlePresence(hub: Hub, session: Session, presence: Element) {
  const { type, to } = presence.attrs;
  if (to === undefined) {
    if (type === undefined) return becomeAvailable(hub, session, presence);
    if (type === 'unavailable') return becomeUnavailable(hub, session, presence);
    return session.send(bounce(presence, 'bad-request'));
  }
  const jid = parseJid(to);
  if (jid === undefined) return session.send(bounce(presence, 'jid-malformed'));
  if (isSubscriptionType(type)) return sendSubscription(hub, session.account, jid.bare, type, presence);
  if (type === 'probe') return probe(hub, session, jid);
  if (type !== undefined && type !== 'unavailable' && type !== 'error') {
    return session.send(bounce(presence, 'bad-request'));
  }
  if (!isLocal(hub, jid)) {
    if (type === undefined) session.send(bounce(presence, 'remote-server-not-found'));
    return;
  }
  if (type === undefined) session.directed.add(jid.full);
  if (type === 'unavailable') session.directed.delete(jid.full);
  direct(hub, jid, presence);
}

/** To one session, or to all that are available of an account. */
function direct(hub: Hub, to: Jid, presence: Element): void {
  const account = accountOf(hub, to.bare);
  const takers = to.resource === '' ? available(account) : [account?.sessions.get(to.resource)];
  for (const session of takers) session?.send(addressed(presence, presence.attrs.from!, to.full));
}

function becomeAvailable(hub: Hub, session: Session, presence: Element) {
  const initial = session.presence === undefined;
  const wasNegative = initial || session.priority < 0;
  const priority = Number(text(child(presence, 'priority')).trim() || '0');
  if (!Number.isInteger(priority) || Math.abs(priority) > 128) return session.send(bounce(presence, 'bad-request'));
  session.presence = presence;
  session.priority = priority;
  broadcast(hub, session, presence);
  if (initial) {
    // What a probe would bring, and what waited for this account (4.2.2, 3.1.3).
    for (const other of available(session.account)) if (other !== session) show(other, session);
    for (const entry of session.account.roster.values()) {
      if (entry.state.to) for (const other of available(accountOf(hub, entry.jid))) show(other, session);
      if (entry.request !== undefined) session.send(entry.request);
    }
  }
  if (wasNegative && priority >= 0) deliverOffline(session);
  hub.journal.changed();
}

function becomeUnavailable(hub: Hub, session: Session, presence: Element): void {
  if (session.presence !== undefined) broadcast(hub, session, presence);
  for (const to of session.directed) {
    const jid = parseJid(to)!;
    if (session.account.roster.get(jid.bare)?.state.from !== true) direct(hub, jid, presence);
  }
  session.directed.clear();
  session.presence = undefined;
  hub.journal.changed();
}

/** The session is gone and in no list any more: those who think that it is available learn that it is not. */
export function leave(hub: Hub, session: Session): void {
  becomeUnavailable(hub, session, el('presence', NS.client, { type: 'unavailable', from: session.jid.full }));
}

/** To all who may see the account's presence, its own sessions among them. */
function broadcast(hub: Hub, session: Session, presence: Element): void {
  const { account, jid } = session;
  const watchers = [...account.roster.values()].filter((entry) => entry.state.from).map((entry) => entry.jid);
  for (const to of new Set([account.bare, ...watchers])) {
    for (const watcher of available(accountOf(hub, to))) watcher.send(addressed(presence, jid.full, to));
  }
}

const show = (of: Session, to: Session) => to.send(addressed(of.presence!, of.jid.full, to.account.bare));

/** A client that probes by itself gets what it may see (4.3). */
function probe(hub: Hub, session: Session, jid: Jid) {
  const account = accountOf(hub, jid.bare);
  const allowed = account === session.account || account?.roster.get(session.account.bare)?.state.from === true;
  if (!allowed)
    return session.send(el('presence', NS.client, { type: 'unsubscribed', from: jid.bare, to: session.jid.full }));
  const seen = available(account).filter((s) => jid.resource === '' || s.jid.resource === jid.resource);
  for (const other of seen) show(other, session);
  if (seen.length === 0) {
    session.send(el('presence', NS.client, { type: 'unavailable', from: jid.full, to: session.jid.full }));
  }
}
