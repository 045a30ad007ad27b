/** What messaged does with a stanza from the server and with a line from a front end. */
import path from 'node:path';
import type { Element } from 'ltx';
import { errno, printable, reason } from '../cli/die.ts';
import { DEFAULT_LIMITS, type Limits, mostSent } from '../cli/limits.ts';
import { createReports } from '../files/bursts.ts';
import { dirName } from '../files/names.ts';
import { openFriends } from '../files/newcomers.ts';
import { bareOf } from '../jid/jid.ts';
import { createFormatter, excerpt } from './format.ts';
import { type Incoming, readMessage } from './incoming.ts';
import type { Journal } from './journal.ts';
import { type LogRecord, logLine } from './log.ts';
import type { Letter } from './outbox.ts';
import { makeMessage, messageText } from './outgoing.ts';
import type { Recent } from './recent.ts';
import type { Intent } from './state.ts';
import { createStrangers } from './strangers.ts';

export type TalkOptions = {
  readonly dir: string;
  /** The own bare JID. */
  readonly own: string;
  /** As in SJ_STAMP. */
  readonly stamp: string | undefined;
  readonly journal: Pick<Journal, 'add' | 'event'>;
  /** Sends a stanza. */
  readonly send: (letter: Letter) => void;
  /** The last messages, where a server may give some of them again. */
  readonly recent?: Recent | undefined;
  /** The rooms that we are in, and our nicks there; nobody else speaks for a room. */
  readonly rooms?: ReadonlyMap<string, string> | undefined;
  /** Whether a contact has a directory. */
  readonly has: (jid: string) => boolean;
  /**
   * Makes it; false if too many have come lately.
   * @throws ENOTDIR if something else has its name; of other troubles the journal takes care
   */
  readonly open: (jid: string) => boolean;
  /** There is something to write down. */
  readonly soon: () => void;
  readonly warn: (message: string) => void;
  readonly limits?: Limits;
};

export type Talk = {
  stanza(element: Element): void;
  /** Something of this sender was not handed on: it is shown where the sender has a directory. */
  skipped(from: string, why: string): void;
  /** A line from a contact's `in`. */
  line(jid: string, bytes: Buffer): void;
  /** A line that was taken earlier, to be sent as it was then. */
  letter(intent: Intent): Letter;
  /** What became of a line: null, or why it is not going to be sent. */
  fate(intent: Intent, why: string | null): void;
  /** A line of which only the first bytes are known. */
  tooLong(jid: string, head: Buffer, length: number): void;
  /** The contact's directory has gone. */
  forget(jid: string): void;
  /** Nothing more comes: tells what was only counted. */
  close(): void;
};

/** A stamp so much older than its arrival, in milliseconds, is worth a field of its own. */
const DELAYED = 1000;

const NO_ROOMS: ReadonlyMap<string, string> = new Map();

let isoTime = Number.NaN;
let isoText = '';
/** Messages of a batch have mostly the same time. */
function iso(time: number): string {
  if (time !== isoTime) isoText = new Date((isoTime = time)).toISOString();
  return isoText;
}

export function createTalk(options: TalkOptions): Talk {
  const {
    dir,
    own,
    stamp,
    journal,
    send,
    recent,
    rooms = NO_ROOMS,
    has,
    open,
    soon,
    warn,
    limits = DEFAULT_LIMITS,
  } = options;
  const format = createFormatter(stamp);
  const barred = new Set<string>();
  const strangers = createStrangers(openFriends(dir), limits.flood);
  const reports = createReports((text, contact) => {
    journal.event('error', contact, text);
    soon();
  });
  const floods = createReports((text, contact) => {
    journal.event('error', contact, text);
    if (contact !== '') journal.add(contact, format.notice(Date.now(), text), '');
    soon();
  });

  /** The type alone makes no room: anybody can write it. */
  const inRoom = ({ contact, type }: Incoming): boolean => type === 'groupchat' && rooms.has(contact);

  function sent({ jid, id, body, room }: Intent): void {
    const now = Date.now();
    const type = room ? 'groupchat' : 'chat';
    // A room sends everything back, ours too, so that is where it stands in the order of what was said.
    const out = room ? '' : format.message(now, own, body);
    journal.add(jid, out, logLine({ time: iso(now), dir: 'out', from: own, to: jid, type, id, body }));
  }

  function refuse(jid: string, why: string, text: string, what: Pick<LogRecord, 'body' | 'bytes' | 'length'>): void {
    const now = Date.now();
    const record: LogRecord = { time: iso(now), dir: 'refused', from: own, to: jid, reason: why, ...what };
    journal.add(jid, format.notice(now, `not sent (${why}): ${text}`), logLine(record));
    journal.event('error', jid, `not sent: ${why}`);
  }

  function recordOf(m: Incoming, dirOf: 'in' | 'error', why?: string): LogRecord {
    const { time, from, to, type, id, sid, subject, thread, body } = m;
    const now = Date.now();
    const received = now - time > DELAYED ? iso(now) : undefined;
    return { time: iso(time), received, dir: dirOf, from, to, type, id, sid, subject, thread, reason: why, body };
  }

  function bounced(message: Incoming): void {
    const { contact, time, body } = message;
    const { condition, text } = message.error!;
    recent?.add(message);
    const why = text === '' ? condition : `${condition}: ${text}`;
    // Whoever we never wrote to has nothing to bounce.
    if (!has(contact)) return reports.add('not delivered', 'not delivered', contact, printable(excerpt(why)));
    const said = excerpt(text) || excerpt(body);
    const notice = `not delivered (${condition})${said === '' ? '' : `: ${said}`}`;
    if (!put(message, format.notice(time, notice), logLine(recordOf(message, 'error', why)))) return;
    journal.event('error', contact, `not delivered: ${printable(excerpt(why))}`);
  }

  /** Adds to the files of a contact, unless it is a stranger who brings too much. */
  function put(message: Incoming, out: string, log: string): boolean {
    const { contact } = message;
    if (strangers.may(contact, out.length + log.length, inRoom(message), performance.now())) {
      journal.add(contact, out, log);
      return true;
    }
    const why = `messages are dropped: more than ${limits.flood} bytes a second`;
    // The sender is told nothing: to answer would tell a stranger that we are online.
    floods.add(why, 'messages are dropped', contact);
    return false;
  }

  /** @returns false if the contact has no directory, and can't have one */
  function opened(message: Incoming): boolean {
    const { contact } = message;
    try {
      if (!open(contact)) {
        const why = `refused a message of somebody new: more than ${limits.new} within an hour`;
        reports.add(why, 'refused a message', '', contact);
        return false;
      }
      if (barred.size > 0) barred.delete(contact);
    } catch (error) {
      if (errno(error) !== 'ENOTDIR') return true;
      if (!barred.has(contact))
        warn(`a message from ${contact} is lost: ${path.join(dir, dirName(contact))}: ${reason(error)}`);
      barred.add(contact);
      reports.add('a message is lost: something else has the name of the directory', 'a message is lost', contact);
      return false;
    }
    return true;
  }

  return {
    stanza(element) {
      if (element.name !== 'message' || element.attrs.xmlns !== undefined) return;
      const message = readMessage(element, own, Date.now());
      if (message === null) {
        reports.add(
          'a message from what is no JID',
          'a message is lost',
          '',
          printable(excerpt(element.attrs.from ?? '')),
        );
        return;
      }
      if (recent?.repeats(message, message.delayed)) return;
      if (message.type === 'error') return bounced(message);
      const { contact, body, time } = message;
      if (body === '' || !opened(message)) return;
      recent?.add(message);
      const room = inRoom(message);
      const name = speaker(message, room);
      const out = name === '' ? format.notice(time, body) : format.message(time, name, body);
      if (!put(message, out, logLine(recordOf(message, 'in')))) return;
      // A room gives back what we say.
      if (!room || name !== rooms.get(contact)) journal.event('message', contact, excerpt(body));
    },
    skipped(from, why) {
      const contact = bareOf(from);
      if (contact === null || !has(contact)) return;
      const notice = format.notice(Date.now(), why);
      if (strangers.may(contact, notice.length, false, performance.now())) journal.add(contact, notice, '');
    },
    line(jid, bytes) {
      const room = rooms.has(jid);
      const made = makeMessage(bytes, jid, room, mostSent(limits));
      if (made === null) return;
      if ('refused' in made) {
        const { refused, ...what } = made;
        return refuse(jid, refused, excerpt(what.body ?? bytes.toString('utf8')), what);
      }
      const { id, body, stanza } = made;
      strangers.befriend(jid);
      send({ intent: { jid, id, body, room }, stanza });
    },
    letter: (intent) => ({ intent, stanza: messageText(intent.jid, intent.id, intent.body, intent.room) }),
    fate(intent, why) {
      if (why === null) sent(intent);
      else refuse(intent.jid, why, intent.body, { body: intent.body });
    },
    tooLong(jid, head, length) {
      refuse(jid, `too long: ${length} bytes`, excerpt(head.toString('utf8')), {
        bytes: head.toString('base64'),
        length,
      });
    },
    forget(jid) {
      strangers.forget(jid);
    },
    close() {
      reports.close();
      floods.close();
    },
  };
}

/** Who has spoken: the full JID, in a room the nick; empty if it was the room itself. */
function speaker({ contact, from }: Incoming, room: boolean): string {
  const slash = from.indexOf('/');
  const resource = slash < 0 ? '' : from.slice(slash + 1);
  if (room) return resource;
  return resource === '' ? contact : `${contact}/${resource}`;
}
