/** What a presence stanza of somebody else means to us (RFC 6121 sections 3 and 4, XEP-0045 section 7). */
import type { Element } from 'ltx';
import type { Resource } from '../../presence/resources.ts';
import type { Show } from '../../tree/line.ts';
import { inLanguage } from '../../xml/lang.ts';
import { CLIENT_NS } from '../../xml/read.ts';

export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

export type Incoming =
  | { readonly kind: 'available'; readonly presence: Resource; readonly self: boolean }
  /** `all`: of all its resources, whichever it came from. */
  | { readonly kind: 'unavailable'; readonly all: boolean }
  /** Something that we sent did not arrive; the condition, and the text if there is one. */
  | { readonly kind: 'error'; readonly detail: string }
  | { readonly kind: 'subscription'; readonly type: SubscriptionType; readonly status: string };

const MUC_USER = 'http://jabber.org/protocol/muc#user';

/** Null: nothing that concerns a client, such as a probe, or no presence stanza at all. */
export function interpret(stanza: Element): Incoming | null {
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

function available(stanza: Element): Incoming {
  const room = stanza.getChild('x', MUC_USER);
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
  const room = stanza.getChild('x', MUC_USER);
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

/** RFC 6120 section 8.3. */
function errorDetail(stanza: Element): string {
  const [condition, text] = [false, true].map((wanted) =>
    child(stanza, 'error')
      ?.getChildElements()
      .find((e) => e.attrs.xmlns === 'urn:ietf:params:xml:ns:xmpp-stanzas' && (e.name === 'text') === wanted),
  );
  return [condition?.name ?? 'undefined-condition', text?.getText().trim()].filter(Boolean).join(' ');
}
