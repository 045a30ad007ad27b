/** Roster entries and pushes: RFC 6121, section 2, without versions. */
import { type Account, type Entry, type Hub, interested } from './hub.ts';
import { NONE, subscriptionName } from './subscription.ts';
import { type Element, el, NS } from './xml.ts';

/** The entry of a contact, made if there is none. */
export function entryOf(account: Account, jid: string): Entry {
  let entry = account.roster.get(jid);
  if (entry === undefined) {
    entry = { jid, name: '', groups: [], state: NONE, listed: false, request: undefined };
    account.roster.set(jid, entry);
  }
  return entry;
}

/** An entry as clients see it. */
export function item(entry: Entry): Element {
  const attrs = {
    jid: entry.jid,
    name: entry.name || undefined,
    subscription: subscriptionName(entry.state),
    ask: entry.state.out ? 'subscribe' : undefined,
  };
  return el('item', NS.roster, attrs, ...entry.groups.map((group) => el('group', NS.roster, {}, group)));
}

/** Tells the account's sessions of an entry as it is now. */
export function push(hub: Hub, account: Account, entry: Entry): void {
  pushItem(hub, account, item(entry));
}

/** The same for an item that is gone. */
export function pushItem(hub: Hub, account: Account, what: Element): void {
  for (const session of interested(account)) {
    const attrs = { type: 'set', id: `push-${hub.nextId()}`, to: session.jid.full };
    session.send(el('iq', NS.client, attrs, el('query', NS.roster, {}, what)));
  }
}
