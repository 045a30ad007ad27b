/** What an incoming message stanza says to the user (RFC 6121 section 5). */
import type { Element } from 'ltx';
import { bareOf } from '../jid/jid.ts';

const DELAY_NS = 'urn:xmpp:delay';
const SID_NS = 'urn:xmpp:sid:0';
const MUC_USER_NS = 'http://jabber.org/protocol/muc#user';
const STANZA_ERROR_NS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

export type Incoming = {
  /** The contact's bare JID in normal form. */
  readonly contact: string;
  /** The sender as the server names it. */
  readonly from: string;
  readonly to: string | undefined;
  readonly type: 'chat' | 'normal' | 'headline' | 'groupchat' | 'error';
  readonly id: string | undefined;
  /** The id that the account's own archive or the room has for it (XEP-0359 0.7.0). */
  readonly sid: string | undefined;
  readonly subject: string | undefined;
  readonly thread: string | undefined;
  /** The text; empty if there is none to show. */
  readonly body: string;
  /** When it was said, in milliseconds since the epoch. */
  readonly time: number;
  /** Only of an error: its condition, and the text that explains it. */
  readonly error: { readonly condition: string; readonly text: string } | undefined;
};

/**
 * Reads a message; null if nobody it could be from can be told. Nothing is read that another stanza is wrapped in: who
 * forwards could say anything about whom it is from.
 * @param now the time of arrival, in milliseconds since the epoch
 */
export function readMessage(stanza: Element, own: string, now: number): Incoming | null {
  const { from = own, to, id, type: wireType } = stanza.attrs;
  const contact = bareOf(from);
  if (contact === null) return null;
  const type = wireType === 'chat' || wireType === 'headline' || wireType === 'groupchat' || wireType === 'error' ? wireType : 'normal';
  let body: string | undefined;
  let bodyHasLang = true;
  let time = now;
  let sid: string | undefined;
  let subject: string | undefined;
  let thread: string | undefined;
  let error: Incoming['error'];
  for (const child of stanza.children) {
    if (typeof child === 'string') continue;
    const ns = child.attrs['xmlns'];
    if (ns === undefined) {
      // Of several languages the one without a mark is the sender's own; else the first.
      if (child.name === 'body' && (body === undefined || (bodyHasLang && child.attrs['xml:lang'] === undefined))) {
        body = child.getText();
        bodyHasLang = child.attrs['xml:lang'] !== undefined;
      } else if (child.name === 'subject') subject ??= child.getText();
      else if (child.name === 'thread') thread ??= child.getText();
      else if (child.name === 'error') error ??= readError(child);
    } else if (ns === DELAY_NS && child.name === 'delay') time = Math.min(time, readStamp(child.attrs['stamp']) ?? time);
    else if (ns === SID_NS && child.name === 'stanza-id' && child.attrs['by'] === (type === 'groupchat' ? contact : own)) sid ??= child.attrs['id'];
  }
  return { contact, from, to, type, id, sid, subject, thread, body: body?.trim() ? body : '', time, error: type === 'error' ? (error ?? { condition: 'undefined-condition', text: '' }) : undefined };
}

/** Whether a message comes from one occupant of a room to us alone. */
export const isPrivate = (stanza: Element): boolean => stanza.getChild('x', MUC_USER_NS) !== undefined;

function readError(error: Element): { condition: string; text: string } {
  const own = error.getChildElements().filter((e) => e.attrs['xmlns'] === STANZA_ERROR_NS);
  return {
    condition: own.find((e) => e.name !== 'text')?.name ?? 'undefined-condition',
    text: own.find((e) => e.name === 'text')?.getText() ?? '',
  };
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A time of XEP-0082 1.1.1 in milliseconds since the epoch; undefined for what is none, or is before 1970. */
export function readStamp(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 40 || !STAMP.test(text)) return undefined;
  const time = Date.parse(text);
  return time >= 0 ? time : undefined;
}
