/** What becomes of a message that comes, and of a line from a front end. */
import path from 'node:path';
import { createReports } from '../sys/bursts.ts';
import { errno, reason } from '../sys/errno.ts';
import { printable } from '../sys/printable.ts';
import { createFormatter, excerpt, who } from '../tree/format.ts';
import { type LogRecord, logLine } from '../tree/log.ts';
import { dirName } from '../tree/names.ts';
import { openFriends } from '../tree/newcomers.ts';
import { composeLine } from './compose.ts';
import type { Duplicates } from './duplicates.ts';
import type { Journal } from './journal.ts';
import { CHAT_LIMITS, type ChatLimits } from './limits.ts';
import type { Meaning, Message, MessageCodec } from './model.ts';
import type { OutgoingFrame } from './outbox.ts';
import { createRoomHistory } from './room-history.ts';
import { createSentLines } from './sent-lines.ts';
import type { Intent } from './state.ts';
import { createStrangers } from './strangers.ts';

export type ConversationOptions<Frame> = {
  readonly dir: string;
  /** The protocol. */
  readonly codec: MessageCodec<Frame>;
  /** The own id. */
  readonly own: string;
  /** As in SJ_STAMP. */
  readonly stamp: string | undefined;
  readonly journal: Pick<Journal, 'add' | 'event'>;
  /** Sends a frame. */
  readonly send: (frame: OutgoingFrame) => void;
  /** The last messages, where a server may give some of them again. */
  readonly recent?: Duplicates | undefined;
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
  /** The language of what does not name its own. */
  readonly lang?: (() => string | undefined) | undefined;
  readonly limits?: ChatLimits;
};

export type Conversation<Frame> = {
  /** A message that has come; what is none is passed over. */
  take(frame: Frame): void;
  /** Something of this sender was not handed on: it is shown where the sender has a directory. */
  skipped(from: string, why: string): void;
  /** A line from a contact's `in`. */
  line(jid: string, bytes: Buffer): void;
  /** A line that was taken earlier, to be sent as it was then. */
  frameOf(intent: Intent): OutgoingFrame;
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

/** So many receipts are remembered, so that each is told once. */
const MOST_RECEIPTS = 4096;

const LINE_ENDS = /[\n\r\u2028\u2029]+/g;

const NO_MEANING: Meaning = { notices: [], text: '', source: undefined };

/** Characters of a subject that are shown. */
const SUBJECT = 1000;

const NO_ROOMS: ReadonlyMap<string, string> = new Map();

let isoTime = Number.NaN;
let isoText = '';
/** Messages of a batch have mostly the same time. */
function iso(time: number): string {
  if (time !== isoTime) isoText = new Date((isoTime = time)).toISOString();
  return isoText;
}

export function createConversation<Frame>(options: ConversationOptions<Frame>): Conversation<Frame> {
  const {
    dir,
    codec,
    own,
    stamp,
    journal,
    send,
    recent,
    rooms = NO_ROOMS,
    lang,
    has,
    open,
    soon,
    warn,
    limits = CHAT_LIMITS,
  } = options;
  const format = createFormatter(stamp);
  const said = createSentLines(dir);
  const receipts = new Set<string>();
  const history = createRoomHistory(dir);
  const barred = new Set<string>();
  const strangers = createStrangers(openFriends(dir), limits.flood);
  const reports = createReports((text, contact) => {
    journal.event('error', contact, text, contact === '' || strangers.knows(contact, false));
    soon();
  });
  const floods = createReports((text, contact) => {
    journal.event('error', contact, text, contact === '' || strangers.knows(contact, false));
    if (contact !== '') journal.add(contact, format.notice(Date.now(), text), '');
    soon();
  });

  /** The type alone makes no room: anybody can write it. */
  const inRoom = ({ contact, group }: Message): boolean => group && rooms.has(contact);

  function sent({ jid, id, body, room, time = Date.now() }: Intent): void {
    said.add(jid, id, body);
    const type = room ? 'groupchat' : 'chat';
    // A room sends everything back, ours too, so that is where it stands in the order of what was said.
    const out = room ? '' : format.message(time, own, body);
    journal.add(jid, out, logLine({ time: iso(time), dir: 'out', from: own, to: jid, type, id, body }));
  }

  function refuse(jid: string, why: string, text: string, what: Pick<LogRecord, 'body' | 'bytes' | 'length'>): void {
    const now = Date.now();
    const record: LogRecord = { time: iso(now), dir: 'refused', from: own, to: jid, reason: why, ...what };
    journal.add(jid, format.notice(now, `not sent (${why}): ${text}`), logLine(record));
    journal.event('error', jid, `not sent: ${why}`, true);
  }

  function recordOf(m: Message, dirOf: 'in' | 'error', why?: string): LogRecord {
    const { time, from, to, type, id, sid, subject, thread, body, meaning } = m;
    const now = Date.now();
    const received = now - time > DELAYED ? iso(now) : undefined;
    // One literal: to spread one into another costs as much as all the rest of a message.
    return {
      time: iso(time),
      received,
      dir: dirOf,
      from,
      to,
      type,
      id,
      sid,
      subject,
      thread,
      reason: why,
      body: body === '' ? undefined : body,
      xml: meaning?.source,
    };
  }

  function bounced(message: Message): void {
    const { contact, time, body, id } = message;
    const { condition, text } = message.error!;
    recent?.add(message);
    const why = text === '' ? condition : `${condition}: ${text}`;
    // Whoever we never wrote to has nothing to bounce.
    if (!has(contact)) return reports.add('not delivered', 'not delivered', contact, printable(excerpt(why)));
    const line = id === undefined ? undefined : said.find(contact, id);
    const told = line === undefined ? excerpt(text) || excerpt(body) : excerpt(line);
    const cause = line === undefined || text === '' ? condition : `${condition}, ${excerpt(text)}`;
    const notice = `not delivered (${cause})${told === '' ? '' : `: ${told}`}`;
    const record = recordOf(message, 'error', why);
    if (!put(message, format.notice(time, notice), logLine({ ...record, body: record.body ?? line }))) return;
    journal.event('error', contact, `not delivered: ${printable(excerpt(why))}`, strangers.knows(contact, false));
  }

  /** A message of ours has arrived, if the one says so whom we sent it to (XEP-0184). */
  function arrived({ contact, group }: Message, id: string): void {
    if (group || rooms.has(contact) || receipts.has(id)) return;
    if (said.find(contact, id) === undefined) return;
    if (receipts.size >= MOST_RECEIPTS) receipts.delete(receipts.values().next().value!);
    receipts.add(id);
    journal.event('receipt', contact, id, true);
    soon();
  }

  /** The lines of `out`. What is no text of theirs names who it is from, so that it is none of ours. */
  function shown({ body, subject, meaning = NO_MEANING, time }: Message, name: string): string {
    const whose = name === '' ? '' : `${who(name)}: `;
    const text = body || meaning.text;
    let lines = '';
    if (subject) lines += format.notice(time, `${whose}subject: ${excerpt(subject, SUBJECT)}`);
    if (text !== '') lines += name === '' ? format.notice(time, text) : format.message(time, name, text);
    for (const notice of meaning.notices) lines += format.notice(time, `${whose}${notice.replace(LINE_ENDS, ' ')}`);
    return lines;
  }

  /** Adds to the files of a contact, unless it is a stranger who brings too much. */
  function put(message: Message, out: string, log: string): boolean {
    const { contact } = message;
    const bytes = Buffer.byteLength(out) + Buffer.byteLength(log);
    if (strangers.may(contact, bytes, inRoom(message), performance.now())) {
      journal.add(contact, out, log);
      return true;
    }
    const why = `messages are dropped: more than ${limits.flood} bytes a second`;
    // The sender is told nothing: to answer would tell a stranger that we are online.
    floods.add(why, 'messages are dropped', contact);
    return false;
  }

  /** @returns false if the contact has no directory, and can't have one */
  function opened(message: Message): boolean {
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
    take(frame) {
      const message = codec.decodeMessage(frame, { own, now: Date.now(), lang: lang?.() });
      if (message === null) return;
      if ('unaddressed' in message) {
        const from = printable(excerpt(message.unaddressed));
        reports.add('a message from what is not an address', 'a message is lost', '', from);
        return;
      }
      if (recent?.repeats(message, message.delayed)) return;
      if (message.error !== undefined) return bounced(message);
      const { contact, body, subject, meaning = NO_MEANING } = message;
      if (message.receipt !== undefined) arrived(message, message.receipt);
      if (body === '' && !subject && meaning.text === '' && meaning.notices.length === 0) return;
      const room = inRoom(message);
      if (room && history.repeats(contact, message, message.delayed)) return;
      if (!opened(message)) return;
      recent?.add(message);
      const name = speaker(message, room);
      if (!put(message, shown(message, name), logLine(recordOf(message, 'in')))) return;
      if (room) history.add(contact, message);
      // A room gives back what we say, and tells its subject to each who comes.
      if (room && (name === rooms.get(contact) || (body === '' && subject !== undefined))) return;
      const detail = excerpt(body || meaning.text || meaning.notices[0] || `subject: ${subject}`);
      // A room is one that we have joined.
      journal.event('message', contact, detail, room || strangers.knows(contact, false));
    },
    skipped(from, why) {
      const contact = codec.normalizeId(from);
      if (contact === null || !has(contact)) return;
      const notice = format.notice(Date.now(), why);
      if (strangers.may(contact, notice.length, false, performance.now())) journal.add(contact, notice, '');
    },
    line(jid, bytes) {
      const room = rooms.has(jid);
      const made = composeLine(bytes, jid, room, codec, limits.send);
      if (made === null) return;
      if ('refused' in made) {
        const { refused, ...what } = made;
        return refuse(jid, refused, excerpt(what.body ?? bytes.toString('utf8')), what);
      }
      const { id, body, frame } = made;
      strangers.markKnown(jid);
      send({ intent: { jid, id, body, room, time: Date.now() }, frame });
    },
    frameOf: (intent) => ({ intent, frame: codec.encodeMessage({ ...intent, to: intent.jid }) }),
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
      history.forget(jid);
    },
    close() {
      reports.close();
      floods.close();
    },
  };
}

/** Who has spoken: the full JID, in a room the nick; empty if it was the room itself. */
function speaker({ contact, from }: Message, room: boolean): string {
  const slash = from.indexOf('/');
  const resource = slash < 0 ? '' : from.slice(slash + 1);
  if (room) return resource;
  return resource === '' ? contact : `${contact}/${resource}`;
}
