/** Messages: RFC 6121, section 8.5, with offline storage (XEP-0160, XEP-0203). */
import { type Account, accountOf, addressed, available, bounce, type Hub, isLocal, type Session } from './hub.ts';
import { parseJid } from './jid.ts';
import { child, type Element, el, elements, NS } from './xml.ts';

/** Takes a message from a client; its `from` is stamped already. */
export function handleMessage(hub: Hub, session: Session, message: Element) {
  // Without an address it is for the account itself (10.3.1).
  const jid = parseJid(message.attrs.to ?? session.account.bare);
  const refuse = (condition: string) => {
    if (message.attrs.type !== 'error') session.send(bounce(message, condition));
  };
  if (jid === undefined) return refuse('jid-malformed');
  if (!isLocal(hub, jid)) return refuse('remote-server-not-found');
  const account = accountOf(hub, jid.bare);
  // RFC 6121 would have service-unavailable here too; two conditions tell a test more.
  if (account === undefined) return refuse(jid.local === '' ? 'service-unavailable' : 'item-not-found');
  const sent = addressed(message, message.attrs.from!, jid.full);
  const exact = account.sessions.get(jid.resource);
  if (exact !== undefined) return exact.send(sent);
  const { type = 'normal' } = message.attrs;
  if (jid.resource !== '' && type !== 'chat' && type !== 'normal') return;
  if (type === 'error') return;
  if (type === 'groupchat') return refuse('service-unavailable');
  const takers = type === 'headline' ? available(account).filter((s) => s.priority >= 0) : mostAvailable(account);
  for (const taker of takers) taker.send(sent);
  if (takers.length === 0 && type !== 'headline') store(hub, account, sent);
}

/** The sessions with the highest priority, if it is not negative. */
function mostAvailable(account: Account): Session[] {
  const sessions = available(account);
  const highest = Math.max(0, ...sessions.map((s) => s.priority));
  return sessions.filter((s) => s.priority === highest);
}

function store(hub: Hub, account: Account, message: Element, since = new Date()): void {
  // Who is writing now is of no interest later.
  if (elements(message).every((e) => e.ns === NS.chatStates || e.name === 'thread')) return;
  account.offline.push(delayed(hub, message, since));
  hub.journal.changed();
}

/** The stanza with the time at which it should have been there (XEP-0203); the first such time stands. */
export function delayed(hub: Hub, e: Element, since: Date): Element {
  if (child(e, 'delay', NS.delay) !== undefined) return e;
  const delay = el('delay', NS.delay, { from: hub.settings.domains[0]!, stamp: since.toISOString() });
  return { ...e, children: [...e.children, delay] };
}

/** What a session was sent and has not got: to another session, into storage, or back (XEP-0198, section 4). */
export function undelivered(hub: Hub, account: Account, stanza: Element, since: Date): void {
  const { type = 'normal', from } = stanza.attrs;
  if (stanza.name === 'iq' && (type === 'get' || type === 'set')) {
    const asker = parseJid(from ?? '');
    accountOf(hub, from ?? '')
      ?.sessions.get(asker!.resource)
      ?.send(bounce(stanza, 'service-unavailable'));
  }
  if (stanza.name !== 'message' || (type !== 'chat' && type !== 'normal')) return;
  const takers = mostAvailable(account);
  for (const taker of takers) taker.send(delayed(hub, stanza, since));
  if (takers.length === 0) store(hub, account, stanza, since);
}

/** Gives a session what was kept for its account. */
export function deliverOffline(session: Session): void {
  for (const message of session.account.offline.splice(0)) session.send(message);
}
