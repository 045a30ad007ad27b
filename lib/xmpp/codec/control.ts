/** The control messages between sj and its daemons as elements of a namespace of their own, one a line; see sj(7). */
import { Element } from 'ltx';
import type { Control, ControlCodec } from '../../session/control.ts';
import { escapeXml } from '../../xml/write.ts';

export const CONTROL_NS = 'urn:x-sj:session';

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

export const CONTROL: ControlCodec<Element> = { write: controlText, isControl, read: readControl, unreadable };
