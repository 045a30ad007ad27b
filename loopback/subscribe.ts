/** Presence subscriptions between accounts: RFC 6121, section 3. */
import { type Account, accountOf, addressed, available, type Hub, interested, isLocal } from './hub.ts';
import { parseJid } from './jid.ts';
import { entryOf, push } from './roster.ts';
import { inbound, outbound, type Subscription, type SubscriptionType, subscriptionName } from './subscription.ts';
import { type Element, el, NS } from './xml.ts';

/** The user's side: `stanza` is what the user's client sent, if one did. */
export function sendSubscription(hub: Hub, account: Account, to: string, type: SubscriptionType, stanza?: Element) {
  const before = account.roster.get(to)?.state;
  if (before === undefined && type !== 'subscribe') return pass(hub, account, to, type, stanza, type === 'unsubscribe');
  const entry = entryOf(account, to);
  const old = entry.state;
  const change = outbound(type, old);
  entry.state = change.next;
  if (!change.next.in) entry.request = undefined;
  const gained = change.next.from && !old.from;
  const appears = !entry.listed && (type === 'subscribe' || gained);
  if (appears) entry.listed = true;
  if (appears || (entry.listed && differs(old, change.next))) push(hub, account, entry);
  const lost = old.from && !change.next.from;
  if (lost) sharePresence(hub, account, to, false);
  pass(hub, account, to, type, stanza, change.pass);
  if (gained) sharePresence(hub, account, to, true);
}

/** Sends it on to the contact's side, from the bare JID (3.1.2). */
function pass(
  hub: Hub,
  account: Account,
  to: string,
  type: SubscriptionType,
  stanza: Element | undefined,
  go: boolean,
) {
  if (!go) return;
  const sent = addressed(stanza ?? el('presence', NS.client, { type }), account.bare, to);
  const contact = accountOf(hub, to);
  if (contact !== undefined) return takeSubscription(hub, contact, account.bare, type, sent);
  const jid = parseJid(to);
  // Nobody there: a server of our own says no; another one cannot be reached.
  if (type !== 'subscribe' || jid === undefined) return;
  if (isLocal(hub, jid)) {
    takeSubscription(
      hub,
      account,
      to,
      'unsubscribed',
      addressed(el('presence', NS.client, { type: 'unsubscribed' }), to, account.bare),
    );
    return;
  }
  const error = el('error', NS.client, { type: 'cancel' }, el('remote-server-not-found', NS.stanzaError));
  const answer = el('presence', NS.client, { type: 'error', from: to, to: account.bare, id: sent.attrs.id }, error);
  for (const session of available(account)) session.send(answer);
}

/** The contact's side (3.1.3 and what is like it). */
function takeSubscription(hub: Hub, account: Account, from: string, type: SubscriptionType, stanza: Element): void {
  const known = account.roster.get(from);
  if (known === undefined && type !== 'subscribe') return;
  const entry = entryOf(account, from);
  const old = entry.state;
  const change = inbound(type, old);
  entry.state = change.next;
  if (type === 'subscribe') {
    if (change.next.in) entry.request = stanza;
    if (old.from) sendBack(hub, account, from);
  } else if (!change.next.in) entry.request = undefined;
  if (change.pass) {
    const takers = type === 'subscribe' ? available(account) : interested(account);
    for (const session of takers) session.send(stanza);
  }
  if (entry.listed && differs(old, change.next)) push(hub, account, entry);
  if (old.from && !change.next.from) sharePresence(hub, account, from, false);
}

/** Who has our presence already need not ask us again (3.1.3). */
function sendBack(hub: Hub, account: Account, to: string): void {
  const contact = accountOf(hub, to);
  const answer = el('presence', NS.client, { type: 'subscribed', from: account.bare, to });
  if (contact !== undefined) takeSubscription(hub, contact, account.bare, 'subscribed', answer);
}

/** Shows or hides all our sessions to a contact, as the subscription has come or gone. */
function sharePresence(hub: Hub, account: Account, to: string, show: boolean): void {
  for (const own of available(account)) {
    const presence = show ? own.presence! : el('presence', NS.client, { type: 'unavailable' });
    for (const session of available(accountOf(hub, to))) session.send(addressed(presence, own.jid.full, to));
  }
}

const differs = (a: Subscription, b: Subscription) => subscriptionName(a) !== subscriptionName(b) || a.out !== b.out;
