/** What a presence stanza of somebody else means to us (RFC 6121 sections 3 and 4, XEP-0045 section 7). */

import type { Element } from 'ltx';
import type { PresenceChange, PresenceNews, Resource } from '../../presence/model.ts';
import type { Show } from '../../tree/line.ts';
import { inLanguage } from '../../xml/lang.ts';
import { CLIENT_NS } from '../../xml/read.ts';
import { bareOf } from '../jid/jid.ts';
import { MUC_USER_NS } from '../ns.ts';
import { readStanzaError } from './stanza-error.ts';

/** The news in a presence stanza; see `PresenceCodec`. */
export function decodePresence(stanza: Element): PresenceNews | null {
  const change = interpret(stanza);
  // What comes from nowhere comes from our own account, and says nothing of a contact.
  const from = stanza.attrs.from;
  if (change === null || from === undefined) return null;
  const slash = from.indexOf('/');
  return { from, contact: bareOf(from), resource: slash < 0 ? '' : from.slice(slash + 1), change };
}

/** Null: nothing that concerns a client, such as a probe, or no presence stanza at all. */
export function interpret(stanza: Element): PresenceChange | null {
  if (stanza.name !== 'presence' || (stanza.attrs.xmlns ?? CLIENT_NS) !== CLIENT_NS) return null;
  const type = stanza.attrs.type;
  switch (type) {
    case undefined:
      return available(stanza);
    case 'unavailable':
      return { kind: 'unavailable', all: leftRoom(stanza) };
    case 'error':
      return { kind: 'error', detail: errorDetail(stanza) };
    case 'subscribe':
    case 'subscribed':
    case 'unsubscribe':
    case 'unsubscribed':
      return { kind: 'subscription', type, status: status(stanza) };
    default:
      return null;
  }
}

function available(stanza: Element): PresenceChange {
  const room = stanza.getChild('x', MUC_USER_NS);
  const presence: Resource = {
    show: show(child(stanza, 'show')?.getText().trim()),
    status: status(stanza),
    priority: priority(child(stanza, 'priority')?.getText().trim()),
    occupant: room !== undefined,
  };
  return { kind: 'available', presence, self: hasCode(room, '110') };
}

/**
 * When we leave a room, or are put out of it, its service tells us of our own going (status 110) and of nobody else's.
 * A change of nick (303) looks the same, and the new one follows at once.
 */
function leftRoom(stanza: Element): boolean {
  const room = stanza.getChild('x', MUC_USER_NS);
  return hasCode(room, '110') && !hasCode(room, '303');
}

const hasCode = (room: Element | undefined, code: string): boolean =>
  room?.getChildren('status').some((s) => s.attrs.code === code) ?? false;

/** The child of that name in the stanza's own namespace: in the trees of `read.ts` it names none. */
function child(element: Element, name: string): Element | undefined {
  return element.getChildren(name).find((c) => c.attrs.xmlns === undefined);
}

/** The status text; of several in different languages the one in the stanza's own. */
function status(stanza: Element): string {
  const all = stanza.getChildren('status').filter((s) => s.attrs.xmlns === undefined);
  return inLanguage(all, stanza.attrs['xml:lang'])?.getText() ?? '';
}

function show(text: string | undefined): Show {
  return text === 'chat' || text === 'away' || text === 'xa' || text === 'dnd' ? text : 'online';
}

/** An integer from -128 to 127; anything else counts as 0, as if none was given. */
function priority(text: string | undefined): number {
  const value = text !== undefined && /^[+-]?\d{1,3}$/.test(text) ? Number(text) : 0;
  return value >= -128 && value <= 127 ? value : 0;
}

function errorDetail(stanza: Element): string {
  const { condition, text } = readStanzaError(child(stanza, 'error'));
  return [condition, text.trim()].filter(Boolean).join(' ');
}
