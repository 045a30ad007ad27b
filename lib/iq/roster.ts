/** The roster as its stanzas and its lines (RFC 6121 section 2). */
import { Element } from 'ltx';
import { printable } from '../cli/die.ts';
import { ROSTER_NS } from './request.ts';

export type RosterItem = { readonly jid: string; readonly name: string; readonly subscription: string };

function query(id: string, type: 'get' | 'set'): { iq: Element; query: Element } {
  const iq = new Element('iq', { type, id });
  return { iq, query: iq.c('query', { xmlns: ROSTER_NS }) };
}

/** Asks for the whole roster. */
export const rosterGet = (id: string): Element => query(id, 'get').iq;

/**
 * Adds a contact, or gives it another name and other groups: what is not given here is not kept.
 * It is no subscription to the contact's presence.
 */
export function rosterSet(id: string, jid: string, name: string | undefined, groups: readonly string[]): Element {
  const { iq, query: list } = query(id, 'set');
  const item = list.c('item', { jid, ...(name !== undefined && { name }) });
  for (const group of new Set(groups)) item.c('group').t(group);
  return iq;
}

/** Removes a contact, and with it the subscriptions both ways. */
export function rosterRemove(id: string, jid: string): Element {
  const { iq, query: list } = query(id, 'set');
  list.c('item', { jid, subscription: 'remove' });
  return iq;
}

/** The contacts in an answer, by JID. */
export function rosterItems(answer: Element): RosterItem[] {
  const items = answer.getChild('query', ROSTER_NS)?.getChildren('item', ROSTER_NS) ?? [];
  return items
    .map(({ attrs: { jid = '', name = '', subscription = 'none' } }) => ({ jid, name, subscription }))
    .sort((a, b) => (a.jid < b.jid ? -1 : a.jid > b.jid ? 1 : 0));
}

/** A contact as a line: JID, subscription and name, with TABs between. Nothing in it can be another line or column. */
export const rosterLine = ({ jid, subscription, name }: RosterItem): string =>
  `${printable(jid).padEnd(30)}\t${printable(subscription)}\t${printable(name)}\n`;
