/** The roster as its stanzas and its lines (RFC 6121 section 2). */

import { Element } from 'ltx';
import { printable } from '../../sys/printable.ts';
import { ROSTER_NS } from '../ns.ts';

export type RosterItem = {
  readonly jid: string;
  readonly name: string;
  readonly subscription: string;
  /** A request of ours for the contact's presence is open. */
  readonly asked: boolean;
  /** The contact has asked for our presence, and was not answered. */
  readonly asks: boolean;
  readonly groups: readonly string[];
};

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

/**
 * The contacts in an answer, by JID, and who else has asked for own presence.
 * @param requests the bare JIDs of those who were not answered
 */
export function rosterItems(answer: Element, requests: readonly string[] = []): RosterItem[] {
  const items = answer.getChild('query', ROSTER_NS)?.getChildren('item', ROSTER_NS) ?? [];
  const asking = new Set(requests);
  const listed = items.map((item) => itemOf(item, asking));
  for (const { jid } of listed) asking.delete(jid);
  const others = [...asking].map((jid) => ({ ...NOBODY, jid }));
  return [...listed, ...others].sort((a, b) => (a.jid < b.jid ? -1 : a.jid > b.jid ? 1 : 0));
}

const NOBODY = { name: '', subscription: 'none', asked: false, asks: true, groups: [] };

/** Who sees our presence: another client may have answered. */
const SEES: readonly string[] = ['from', 'both'];

function itemOf(item: Element, asking: ReadonlySet<string>): RosterItem {
  const { jid = '', name = '', subscription = 'none', ask } = item.attrs;
  const groups = item.getChildren('group', ROSTER_NS).map((group) => group.getText());
  const asks = asking.has(jid) && !SEES.includes(subscription);
  return { jid, name, subscription, asked: ask === 'subscribe', asks, groups };
}

/** Whether an answer holds a roster at all. */
export const hasRoster = (answer: Element): boolean => answer.getChild('query', ROSTER_NS) !== undefined;

/**
 * A contact as a line: JID, subscription, name and each group, with TABs between. Nothing in it can be another line or
 * column.
 */
export const rosterLine = ({ jid, subscription, name, asked, asks, groups }: RosterItem): string =>
  `${[jid, subscription + (asked ? ' asked' : '') + (asks ? ' asks' : ''), name, ...groups].map(printable).join('\t')}\n`;

/** The items that are meant by a JID as `rosterLine` shows it: what no terminal may get stands as U+FFFD there. */
export const shownAs = (items: readonly RosterItem[], text: string): RosterItem[] =>
  items.filter(({ jid }) => printable(jid) === text);
