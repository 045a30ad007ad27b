/**
 * What sj and its daemons say to each other between the stanzas, if a daemon knows of it: who has dealt with what.
 * Elements of a namespace of their own, one a line. A daemon that never says hello is told nothing of the kind.
 */
import { Element } from 'ltx';
import { escapeXml } from '../xml/write.ts';

export const CONTROL_NS = 'urn:x-sj:session';

export type Control =
  /** A daemon knows of all this. */
  | { readonly what: 'hello' }
  /** A daemon has dealt with everything up to this number. */
  | { readonly what: 'done'; readonly n: number }
  /** So many of the stanzas that a daemon sends next may have been taken before. */
  | { readonly what: 'again'; readonly n: number }
  /** The session `id` is there, perhaps as the continuation of an earlier one; the next stanza has the number n + 1. */
  | {
      readonly what: 'session';
      readonly id: string;
      readonly n: number;
      readonly resumed: boolean;
      readonly lang?: string;
      /** Of the session before a new one: its id, and how many of its stanzas the server knows to have arrived. */
      readonly past?: string;
      readonly acked?: number;
    }
  /** sj has taken the first `n` stanzas that the daemon has sent since its start. */
  | { readonly what: 'sent'; readonly n: number }
  /** sj will not send the daemon's stanza number `n`. */
  | { readonly what: 'refused'; readonly n: number; readonly reason: string }
  /** A local program has shown own presence to somebody, or with an empty text to everybody; or has taken it back. */
  | { readonly what: 'shown'; readonly to: string; readonly on: boolean }
  /** A stanza of this sender is not handed on, and why. */
  | { readonly what: 'skipped'; readonly from: string; readonly reason: string }
  /** We are in a room, under a nick; or we have left it. */
  | { readonly what: 'room'; readonly jid: string; readonly nick: string; readonly on: boolean }
  /** The session is over for good. */
  | { readonly what: 'bye' };

/** An element as one line of text, without its end. */
export function controlText(control: Control): string {
  let attributes = '';
  for (const [name, value] of Object.entries(control))
    if (name !== 'what' && value !== false) attributes += ` ${name}='${escapeXml(String(value))}'`;
  return `<${control.what} xmlns='${CONTROL_NS}'${attributes}/>`;
}

/** What takes the place of a stanza that a daemon can't read: it counts as any other, and means nothing. */
export const unreadable = (): Element => new Element(UNREADABLE, { xmlns: CONTROL_NS });
const UNREADABLE = 'unreadable';

export const isControl = (element: Element): boolean =>
  element.attrs.xmlns === CONTROL_NS && element.name !== UNREADABLE;

/** Reads an element; null if it is none of these. */
export function readControl(element: Element): Control | null {
  if (!isControl(element)) return null;
  const {
    id = '',
    n: number = '',
    resumed,
    reason = '',
    from = '',
    to = '',
    on,
    jid = '',
    nick = '',
    lang,
    past,
    acked: count = '',
  } = element.attrs;
  const acked = /^\d{1,15}$/.test(count) ? Number(count) : undefined;
  const n = /^\d{1,15}$/.test(number) ? Number(number) : null;
  switch (element.name) {
    case 'hello':
    case 'bye':
      return { what: element.name };
    case 'done':
    case 'again':
    case 'sent':
      return n === null ? null : { what: element.name, n };
    case 'session':
      return n === null
        ? null
        : {
            what: 'session',
            id,
            n,
            resumed: resumed === 'true',
            ...(lang && { lang }),
            ...(past && acked !== undefined && { past, acked }),
          };
    case 'shown':
      return { what: 'shown', to, on: on === 'true' };
    case 'skipped':
      return { what: 'skipped', from, reason };
    case 'room':
      return { what: 'room', jid, nick, on: on === 'true' };
    case 'refused':
      return n === null ? null : { what: 'refused', n, reason };
    default:
      return null;
  }
}
