/**
 * What a message says besides its text: invitations, links, calls, reactions, what is encrypted. A line of `out` is made
 * of each, so that nobody has been called or invited without a trace. All of it is what the sender claims, no more.
 */

import type { Element } from 'ltx';
import type { Meaning } from '../../chat/model.ts';
import { excerpt } from '../../tree/format.ts';
import { inLanguage } from '../../xml/lang.ts';
import { canonical } from '../../xml/write.ts';
import { MUC_USER_NS } from '../ns.ts';

const CONFERENCE = 'jabber:x:conference';
const XHTML_IM = 'http://jabber.org/protocol/xhtml-im';
const XHTML = 'http://www.w3.org/1999/xhtml';
const EME = 'urn:xmpp:eme:0';

/** What is no news to a person, is of no use without a text, or is believed from nobody. */
const SILENT: ReadonlySet<string> = new Set([
  'http://jabber.org/protocol/address',
  'http://jabber.org/protocol/amp',
  'http://jabber.org/protocol/caps',
  'http://jabber.org/protocol/chatstates',
  'http://jabber.org/protocol/nick',
  'http://jabber.org/protocol/pubsub#event',
  'http://jabber.org/protocol/shim',
  'jabber:x:delay',
  'jabber:x:event',
  'jabber:x:signed',
  'urn:xmpp:carbons:2',
  'urn:xmpp:chat-markers:0',
  'urn:xmpp:delay',
  'urn:xmpp:fallback:0',
  'urn:xmpp:forward:0',
  'urn:xmpp:hints',
  'urn:xmpp:idle:1',
  'urn:xmpp:mam:1',
  'urn:xmpp:mam:2',
  'urn:xmpp:message-correct:0',
  'urn:xmpp:occupant-id:0',
  'urn:xmpp:receipts',
  'urn:xmpp:reply:0',
  'urn:xmpp:sid:0',
  'urn:xmpp:styling:0',
  'vcard-temp:x:update',
]);

export const isSilent = (ns: string): boolean => SILENT.has(ns);

/** So many are told of one message. */
const MOST = 8;

/**
 * @param payloads the children of a message that are in namespaces of their own and not silent
 * @param contact whom it is from
 * @param body its text; with one, only that is told which the text may not say
 */
export function meaningOf(
  payloads: readonly Element[],
  contact: string,
  body: string,
  lang?: string,
): Meaning | undefined {
  if (payloads.length === 0) return undefined;
  const mediated = payloads.some((e) => e.attrs.xmlns === MUC_USER_NS && e.getChild('invite') !== undefined);
  const secret = payloads.some((e) => isEncrypted(e));
  const notices: string[] = [];
  const elements: Element[] = [];
  let text = '';
  for (const element of payloads) {
    const ns = element.attrs.xmlns ?? '';
    let said: string[] = [];
    if (ns === XHTML_IM) {
      if (body !== '' || text !== '') continue;
      const bodies = element.getChildren('body').filter(({ attrs }) => attrs.xmlns === XHTML);
      text = plainText(inLanguage(bodies, lang));
      if (text === '') continue;
    } else {
      // The room itself says who invites; the other form repeats it.
      if (ns === CONFERENCE && mediated) continue;
      const told = always(element, contact, body);
      said = told ?? (body === '' && !(secret && ns === EME) ? alone(element) : []);
      if (said.length === 0) continue;
    }
    elements.push(element);
    for (const notice of said) if (notices.length < MOST && !notices.includes(notice)) notices.push(notice);
  }
  return { notices, text, source: elements.length === 0 ? undefined : elements.map(canonical).join('') };
}

const textIn = (element: Element, name: string): string => excerpt(element.getChild(name)?.getText().trim() ?? '');
const why = (text: string): string => (text === '' ? '' : `: ${text}`);

/** What is told whether there is a text or not; null: it is none of that. */
function always(element: Element, contact: string, body: string): string[] | null {
  switch (element.attrs.xmlns) {
    case CONFERENCE: {
      const { jid = '', reason = '', password } = element.attrs;
      return [
        `invitation to the room ${excerpt(jid)}${password === undefined ? '' : ' (with a password, see log)'}${why(excerpt(reason))}`,
      ];
    }
    case MUC_USER_NS:
      return roomNews(element, contact);
    case 'jabber:x:oob': {
      const url = element.getChild('url')?.getText().trim() ?? '';
      if (url === '' || body.trim() === url) return [];
      return [`link: ${shortUrl(url)}${why(textIn(element, 'desc'))}`];
    }
    case 'urn:xmpp:attention:0':
      return element.name === 'attention' ? ['asks for attention'] : null;
    case 'urn:xmpp:jingle-message:0':
    case 'urn:xmpp:jingle-message:1':
    case 'urn:xmpp:call-invites:0':
      return call(element);
    default:
      return null;
  }
}

/** A link is of use as a whole only. */
const shortUrl = (url: string): string => (url.length <= 2000 && !/\s/.test(url) ? url : excerpt(url));

function roomNews(element: Element, contact: string): string[] {
  const invites = element.getChildren('invite').map((invite) => {
    const from = invite.attrs.from === undefined ? '' : ` from ${excerpt(invite.attrs.from)}`;
    const secret = element.getChild('password') === undefined ? '' : ' (with a password, see log)';
    return `invitation to the room ${contact}${from}${secret}${why(textIn(invite, 'reason'))}`;
  });
  const declines = element
    .getChildren('decline')
    .map(({ attrs }) => `invitation declined by ${excerpt(attrs.from ?? 'somebody')}`);
  const codes = element.getChildren('status').map(({ attrs }) => NEWS.get(attrs.code ?? '') ?? '');
  return [...invites.slice(0, 1), ...declines.slice(0, 1), ...codes.filter((text) => text !== '')];
}

/** What a room tells of itself (XEP-0045 section 15.6). */
const NEWS: ReadonlyMap<string, string> = new Map([
  ['100', 'everybody in the room sees full addresses'],
  ['104', 'the configuration of the room has changed'],
  ['170', 'the room is logged from now on'],
  ['171', 'the room is not logged any more'],
  ['172', 'the room shows full addresses from now on'],
  ['173', 'the room shows full addresses to moderators only from now on'],
]);

/** XEP-0353, XEP-0482. */
function call(element: Element): string[] {
  switch (element.name) {
    case 'propose':
    case 'invite': {
      const media = element
        .getChildElements()
        .flatMap(({ name, attrs }) => (name === 'description' ? attrs.media : []));
      const kinds = [...new Set(media.filter((kind) => kind !== undefined))]
        .slice(0, 4)
        .map((kind) => excerpt(kind))
        .join(', ');
      return [`is calling${kinds === '' ? '' : ` (${kinds})`}`];
    }
    case 'retract':
      return ['has ended the call'];
    case 'accept':
    case 'proceed':
      return ['has accepted the call'];
    case 'reject':
      return ['has refused the call'];
    case 'left':
      return ['has left the call'];
    default:
      return [];
  }
}

const ENCRYPTED: ReadonlyMap<string, string> = new Map([
  ['eu.siacs.conversations.axolotl', 'OMEMO'],
  ['urn:xmpp:omemo:1', 'OMEMO'],
  ['urn:xmpp:omemo:2', 'OMEMO'],
  ['urn:xmpp:openpgp:0', 'OpenPGP'],
  ['jabber:x:encrypted', 'OpenPGP'],
]);

const isEncrypted = ({ attrs }: Element): boolean => ENCRYPTED.has(attrs.xmlns ?? '');

/** What is told only where there is no text. */
function alone(element: Element): string[] {
  const ns = element.attrs.xmlns ?? '';
  const how = ENCRYPTED.get(ns);
  if (how !== undefined) return [`encrypted (${how}), cannot be read here`];
  switch (ns) {
    case EME:
      return [
        `encrypted (${excerpt(element.attrs.name ?? element.attrs.namespace ?? 'unknown')}), cannot be read here`,
      ];
    case 'urn:xmpp:reactions:0': {
      const marks = element.getChildren('reaction').slice(0, 20);
      const what = excerpt(marks.map((mark) => mark.getText()).join(' '));
      return [what === '' ? 'takes the reaction back' : `reacts with ${what}`];
    }
    case 'urn:xmpp:message-retract:0':
    case 'urn:xmpp:message-retract:1':
      return ['asks to delete a message'];
    case 'urn:xmpp:fasten:0':
      return [element.getChild('retract') === undefined ? 'adds to a message' : 'asks to delete a message'];
    case 'jabber:x:data':
      return [`form${why(textIn(element, 'title'))}`];
    case 'urn:xmpp:sfs:0':
    case 'urn:xmpp:reference:0':
      return ['sends a file or a reference (see log)'];
    case 'http://jabber.org/protocol/geoloc':
      return [`location: ${textIn(element, 'lat')} ${textIn(element, 'lon')}`];
    case 'http://jabber.org/protocol/rosterx':
      return ['suggests contacts (see log)'];
    default:
      return [`message without a text: ${excerpt(element.name)} (${excerpt(ns)})`];
  }
}

const LINES = /^(p|div|br|li|blockquote|h[1-6]|pre|tr)$/;

/** The text of XHTML; a walk without recursion, as elements may nest deep. */
function plainText(body: Element | undefined): string {
  if (body === undefined) return '';
  let text = '';
  const rest: (Element | string)[] = [body];
  while (rest.length > 0) {
    const next = rest.pop()!;
    if (typeof next === 'string') {
      text += next;
      continue;
    }
    if (LINES.test(next.name) && text !== '' && !text.endsWith('\n')) text += '\n';
    if (next.name === 'img') text += next.attrs.alt ?? '';
    for (let i = next.children.length - 1; i >= 0; i--) rest.push(next.children[i] as Element | string);
  }
  return text.trim();
}
