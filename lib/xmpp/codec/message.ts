/** What an incoming message stanza says to the user (RFC 6121 section 5). */

import type { Element } from 'ltx';
import type { Arrival, DeliveryError, Message, MessageCodec } from '../../chat/model.ts';
import { inLanguage } from '../../xml/lang.ts';
import { bareOf } from '../jid/jid.ts';
import { DELAY_NS, RECEIPTS_NS, SID_NS } from '../ns.ts';
import { isSilent, meaningOf } from './meaning.ts';
import { readStanzaError } from './stanza-error.ts';

/** What a message is read for stands in these namespaces; the rest costs nothing. */
export const isRead = (ns: string): boolean => ns === DELAY_NS || ns === SID_NS || ns === RECEIPTS_NS || !isSilent(ns);

const TYPES = ['chat', 'normal', 'headline', 'groupchat', 'error'] as const;

/**
 * Reads a message; null if nobody it could be from can be told. Nothing is read that another stanza is wrapped in: who
 * forwards could say anything about whom it is from.
 * @param own the own bare JID: what comes from nowhere comes from there (RFC 6120 section 8.1.2.1)
 * @param now the time of arrival, in milliseconds since the epoch
 * @param streamLang the language of what does not name its own
 */
export function readMessage(stanza: Element, own: string, now: number, streamLang?: string): Message | null {
  const { from = own, to, id, type: given } = stanza.attrs;
  const contact = bareOf(from);
  if (contact === null) return null;
  // RFC 6121 section 5.2.2: what is not known is normal.
  const type = TYPES.find((known) => known === given) ?? 'normal';
  const group = type === 'groupchat';
  const archive = group ? contact : own;
  const bodies: Element[] = [];
  const subjects: Element[] = [];
  const payloads: Element[] = [];
  let receipt: string | undefined;
  let thread: string | undefined;
  let sid: string | undefined;
  let time = now;
  let delayed = false;
  let error: DeliveryError | undefined;
  for (const child of stanza.children) {
    if (typeof child === 'string') continue;
    const { xmlns, by, stamp } = child.attrs;
    if (xmlns === undefined) {
      if (child.name === 'body') bodies.push(child);
      else if (child.name === 'subject') subjects.push(child);
      else if (child.name === 'thread') thread ??= child.getText();
      else if (child.name === 'error') error ??= readStanzaError(child);
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
  return { contact, from, to, type, group, id, sid, subject, thread, body, meaning, receipt, time, delayed, error };
}

/** The message that a stanza is; see `MessageCodec`. */
export function decodeMessage(stanza: Element, { own, now, lang }: Arrival): ReturnType<Decode> {
  if (stanza.name !== 'message' || stanza.attrs.xmlns !== undefined) return null;
  return readMessage(stanza, own, now, lang) ?? { unaddressed: stanza.attrs.from ?? '' };
}
type Decode = MessageCodec<Element>['decodeMessage'];

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A time of XEP-0082 1.1.1 in milliseconds since the epoch, which is also the earliest; undefined for what is none. */
export function readStamp(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 40 || !STAMP.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time);
}
