/** What clients do to their roster: RFC 6121, 2.1 to 2.5. */
import { type Account, bounce, type Hub, type Session } from './hub.ts';
import { parseJid } from './jid.ts';
import { entryOf, item, push, pushItem } from './roster.ts';
import { sendSubscription } from './subscribe.ts';
import { child, type Element, el, elements, NS, text } from './xml.ts';

/** Answers an iq with a roster query in it; what it changes is pushed first. */
export function handleRoster(hub: Hub, session: Session, iq: Element): Element {
  const { account } = session;
  const result = (...children: Element[]) =>
    el('iq', NS.client, { type: 'result', id: iq.attrs.id, to: session.jid.full }, ...children);
  const query = child(iq, 'query', NS.roster)!;
  if (iq.attrs.type === 'get') {
    session.interested = true;
    const items = [...account.roster.values()].filter((entry) => entry.listed).map(item);
    return result(el('query', NS.roster, {}, ...items));
  }
  const [wanted, ...more] = elements(query);
  if (wanted === undefined || wanted.name !== 'item' || more.length > 0) return bounce(iq, 'bad-request');
  const jid = parseJid(wanted.attrs.jid ?? '');
  if (jid === undefined) return bounce(iq, 'jid-malformed');
  if (wanted.attrs.subscription === 'remove') {
    return remove(hub, account, jid.bare) ? result() : bounce(iq, 'item-not-found');
  }
  const groups = elements(wanted)
    .filter((e) => e.name === 'group')
    .map(text);
  if (groups.includes('')) return bounce(iq, 'not-acceptable');
  if (new Set(groups).size < groups.length) return bounce(iq, 'bad-request');
  const entry = entryOf(account, jid.bare);
  Object.assign(entry, { name: wanted.attrs.name ?? '', groups, listed: true });
  push(hub, account, entry);
  return result();
}

/** Takes a contact out and cancels both subscriptions (2.5). A request that waits for an answer stays. */
function remove(hub: Hub, account: Account, jid: string): boolean {
  const entry = account.roster.get(jid);
  if (!entry?.listed) return false;
  // Unlisted first: the cancellations push nothing of their own.
  entry.listed = false;
  entry.name = '';
  entry.groups = [];
  if (entry.state.to || entry.state.out) sendSubscription(hub, account, jid, 'unsubscribe');
  if (entry.state.from) sendSubscription(hub, account, jid, 'unsubscribed');
  if (!entry.state.in) account.roster.delete(jid);
  pushItem(hub, account, el('item', NS.roster, { jid, subscription: 'remove' }));
  return true;
}
