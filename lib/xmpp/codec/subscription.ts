/** The stanza that a user asks for on the command line, checked. */
import type { Element } from 'ltx';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { isXmlText } from '../../xml/chars.ts';
import { addressOf } from '../jid/jid.ts';
import { presenceStanza } from './presence-out.ts';

export type Asked = {
  readonly to?: string | undefined;
  readonly type?: string | undefined;
  readonly show?: string | undefined;
  readonly status?: string | undefined;
  readonly priority?: string | undefined;
};

const SHOWS = ['away', 'chat', 'dnd', 'xa'];
const SUBSCRIPTIONS = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'];
const TYPES = [...SUBSCRIPTIONS, 'unavailable'];

/** @throws Fatal 100, with `usage`, if the values make no presence stanza (RFC 6121 section 4.7) */
export function askedStanza({ to, type, show, status, priority }: Asked, usage: string): Element {
  const wrong = (message: string) => new Fatal(EXIT.usage, message, usage);
  if (type !== undefined && SHOWS.includes(type)) throw wrong(`${type} is a SHOW, not a TYPE: presence -s ${type}`);
  if (type !== undefined && !TYPES.includes(type)) throw wrong(`TYPE is one of ${TYPES.join(', ')}`);
  if (show !== undefined && !SHOWS.includes(show)) throw wrong(`option -s: SHOW is one of ${SHOWS.join(', ')}`);
  if (type !== undefined && (show ?? priority) !== undefined) throw wrong(`options -s and -p do not go with ${type}`);
  if (status !== undefined && !isXmlText(status)) throw wrong('option -S: a character that XML cannot carry');
  if (priority !== undefined && !isPriority(priority)) throw wrong('option -p: PRIORITY is a number from -128 to 127');
  const jid = to === undefined ? undefined : addressOf(to);
  if (jid === null) throw wrong(`option -t: not a JID: ${to}`);
  const subscription = type !== undefined && SUBSCRIPTIONS.includes(type);
  if (subscription && jid === undefined) throw wrong(`${type} needs a contact: option -t`);
  return presenceStanza({
    // Subscriptions are between bare JIDs (RFC 6121 section 3.1.1).
    to: jid && (subscription ? jid.bare : jid.full),
    type,
    show,
    status,
    priority: priority === undefined ? undefined : Number(priority),
  });
}

const isPriority = (text: string): boolean =>
  /^[+-]?\d{1,3}$/.test(text) && Number(text) >= -128 && Number(text) <= 127;
