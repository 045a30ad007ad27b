/** What an incoming message stanza says to the user (RFC 6121 section 5). */
import type { Element } from 'ltx';
import { inLanguage } from '../../xml/lang.ts';
import { bareOf } from '../jid/jid.ts';
import { isSilent, type Meaning, meaningOf } from './meaning.ts';

const DELAY_NS = 'urn:xmpp:delay';
const SID_NS = 'urn:xmpp:sid:0';
const STANZA_ERROR_NS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

const RECEIPTS_NS = 'urn:xmpp:receipts';

/** What a message is read for stands in these namespaces; the rest costs nothing. */
export const isRead = (ns: string): boolean => ns === DELAY_NS || ns === SID_NS || ns === RECEIPTS_NS || !isSilent(ns);

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
  /** What it says besides. */
  readonly meaning: Meaning | undefined;
  /** The id of a message that has arrived (XEP-0184). */
  readonly receipt: string | undefined;
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
 * @param streamLang the language of what does not name its own
 */
export function readMessage(stanza: Element, own: string, now: number, streamLang?: string): Incoming | null {
  const { from = own, to, id, type: given } = stanza.attrs;
  const contact = bareOf(from);
  if (contact === null) return null;
  // RFC 6121 section 5.2.2: what is not known is normal.
  const type = TYPES.find((known) => known === given) ?? 'normal';
  const archive = type === 'groupchat' ? contact : own;
  const bodies: Element[] = [];
  const subjects: Element[] = [];
  const payloads: Element[] = [];
  let receipt: string | undefined;
  let thread: string | undefined;
  let sid: string | undefined;
  let time = now;
  let delayed = false;
  let error: StanzaError | undefined;
  for (const child of stanza.children) {
    if (typeof child === 'string') continue;
    const { xmlns, by, stamp } = child.attrs;
    if (xmlns === undefined) {
      if (child.name === 'body') bodies.push(child);
      else if (child.name === 'subject') subjects.push(child);
      else if (child.name === 'thread') thread ??= child.getText();
      else if (child.name === 'error') error ??= readError(child);
    } else if (xmlns === DELAY_NS && child.name === 'delay') {
      // Who delayed it last knows least about when it was said.
      time = Math.min(time, readStamp(stamp) ?? time);
      delayed = true;
    } else if (xmlns === SID_NS && child.name === 'stanza-id' && by === archive) {
      sid ??= child.attrs.id;
    } else if (xmlns === RECEIPTS_NS) {
      if (child.name === 'received') receipt ??= child.attrs.id;
    } else if (!isSilent(xmlns)) payloads.push(child);
  }
  if (type !== 'error') error = undefined;
  else error ??= { condition: 'undefined-condition', text: '' };
  const lang = stanza.attrs['xml:lang'] ?? streamLang;
  const subject = inLanguage(subjects, lang)?.getText();
  const body = inLanguage(bodies, lang)?.getText() ?? '';
  const meaning = meaningOf(payloads, contact, body, lang);
  return { contact, from, to, type, id, sid, subject, thread, body, meaning, receipt, time, delayed, error };
}

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
