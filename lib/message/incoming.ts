/** What an incoming message stanza says to the user (RFC 6121 section 5). */
import type { Element } from 'ltx';
import { bareOf } from '../jid/jid.ts';
import { CLIENT_NS } from '../xml/read.ts';

const DELAY_NS = 'urn:xmpp:delay';
const SID_NS = 'urn:xmpp:sid:0';
const STANZA_ERROR_NS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** What a message is read for stands in these namespaces. */
export const isRead = (ns: string): boolean => ns === CLIENT_NS || ns === DELAY_NS || ns === SID_NS;

const TYPES = ['chat', 'normal', 'headline', 'groupchat', 'error'] as const;
type MessageType = (typeof TYPES)[number];

export type StanzaError = {
  /** The condition's element name; `undefined-condition` where none is given. */
  readonly condition: string;
  /** The text that explains it; empty if there is none. */
  readonly text: string;
};

export type Incoming = {
  /** The contact's bare JID in normal form. */
  readonly contact: string;
  /** The sender as the server names it. */
  readonly from: string;
  readonly to: string | undefined;
  readonly type: MessageType;
  readonly id: string | undefined;
  /** The id that the account's own archive or the room has for it (XEP-0359 0.7.0). */
  readonly sid: string | undefined;
  readonly subject: string | undefined;
  readonly thread: string | undefined;
  /** The text; empty if there is none to show. */
  readonly body: string;
  /** When it was said, in milliseconds since the epoch. */
  readonly time: number;
  /** Somebody on the way says that it was said earlier (XEP-0203). */
  readonly delayed: boolean;
  /** Only of an error. */
  readonly error: StanzaError | undefined;
};

/**
 * Reads a message; null if nobody it could be from can be told. Nothing is read that another stanza is wrapped in: who
 * forwards could say anything about whom it is from.
 * @param own the own bare JID: what comes from nowhere comes from there (RFC 6120 section 8.1.2.1)
 * @param now the time of arrival, in milliseconds since the epoch
 */
export function readMessage(stanza: Element, own: string, now: number): Incoming | null {
  const { from = own, to, id, type: given } = stanza.attrs;
  const contact = bareOf(from);
  if (contact === null) return null;
  // RFC 6121 section 5.2.2: what is not known is normal.
  const type = TYPES.find((known) => known === given) ?? 'normal';
  const archive = type === 'groupchat' ? contact : own;
  let body: Element | undefined;
  let subject: string | undefined;
  let thread: string | undefined;
  let sid: string | undefined;
  let time = now;
  let delayed = false;
  let error: StanzaError | undefined;
  for (const child of stanza.children) {
    if (typeof child === 'string') continue;
    const { xmlns, by, stamp } = child.attrs;
    if (xmlns === undefined) {
      if (child.name === 'body') body = preferred(body, child);
      else if (child.name === 'subject') subject ??= child.getText();
      else if (child.name === 'thread') thread ??= child.getText();
      else if (child.name === 'error') error ??= readError(child);
    } else if (xmlns === DELAY_NS && child.name === 'delay') {
      // Who delayed it last knows least about when it was said.
      time = Math.min(time, readStamp(stamp) ?? time);
      delayed = true;
    } else if (xmlns === SID_NS && child.name === 'stanza-id' && by === archive) {
      sid ??= child.attrs.id;
    }
  }
  if (type !== 'error') error = undefined;
  else error ??= { condition: 'undefined-condition', text: '' };
  return { contact, from, to, type, id, sid, subject, thread, body: body?.getText() ?? '', time, delayed, error };
}

/** Of bodies in several languages the one without a mark is the sender's own; else the first. */
const preferred = (before: Element | undefined, body: Element): Element =>
  before === undefined || (marked(before) && !marked(body)) ? body : before;

const marked = (body: Element): boolean => body.attrs['xml:lang'] !== undefined;

/** RFC 6120 section 8.3. */
function readError(error: Element): StanzaError {
  const defined = error.getChildElements().filter((child) => child.attrs.xmlns === STANZA_ERROR_NS);
  return {
    condition: defined.find((child) => child.name !== 'text')?.name ?? 'undefined-condition',
    text: defined.find((child) => child.name === 'text')?.getText() ?? '',
  };
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A time of XEP-0082 1.1.1 in milliseconds since the epoch, which is also the earliest; undefined for what is none. */
export function readStamp(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 40 || !STAMP.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time);
}
