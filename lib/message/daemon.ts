/** What messaged does with a stanza from the server and with a line from a front end. */
import path from 'node:path';
import type { Element } from 'ltx';
import { printable, reason } from '../cli/die.ts';
import { dirName } from '../files/names.ts';
import type { Outlet } from '../files/outlet.ts';
import { type Chats, createChats } from './chats.ts';
import { createFormatter, type LogRecord, logLine } from './format.ts';
import { type Incoming, readMessage } from './incoming.ts';
import { createJournal } from './journal.ts';
import { makeMessage } from './outgoing.ts';
import { endsInRoom } from './tail.ts';

export type MessagedConfig = {
  dir: string;
  /** The own bare JID. */
  own: string;
  outlet: Outlet;
  /** As in SJ_STAMP. */
  stamp: string | undefined;
  warn: (message: string) => void;
};

export type Messaged = {
  readonly chats: Chats;
  stanza(element: Element): void;
  /** Writes down what came since the last call. */
  flush(): void;
};

/** Characters of a message that an event or a notice repeats. */
const EXCERPT = 100;

const excerpt = (text: string) => {
  const line = text.split(/[\n\r\u2028\u2029]/, 1)[0]!;
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT)}…` : line;
};

export function createMessaged(config: MessagedConfig): Messaged {
  const { dir, own, outlet, warn } = config;
  const format = createFormatter(config.stamp);
  const journal = createJournal(dir, warn);
  const rooms = new Map<string, boolean>();
  let scheduled = false;

  const chats = createChats(dir, {
    warn,
    line: (jid, bytes) => {
      if (bytes.length > 0) send(jid, bytes);
    },
    tooLong: (jid, head, length) => refuse(jid, `too long: ${length} bytes`, { bytes: head.toString('base64') }, excerpt(head.toString('utf8'))),
  });

  const isRoom = (jid: string): boolean => {
    let room = rooms.get(jid);
    if (room === undefined) {
      room = endsInRoom(path.join(dir, dirName(jid), 'log'));
      rooms.set(jid, room);
    }
    return room;
  };

  /** Lines come between the batches of stanzas, many at once: they are written down together, too. */
  function soon(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      journal.flush();
    });
  }

  function send(jid: string, line: Buffer): void {
    const room = isRoom(jid);
    const made = makeMessage(line, jid, room);
    if ('refused' in made) {
      return refuse(jid, made.refused, { body: made.body, bytes: made.bytes }, made.body === undefined ? excerpt(line.toString('utf8')) : excerpt(made.body));
    }
    if (!outlet.send(made.stanza)) chats.pause();
    if (outlet.broken) return refuse(jid, 'offline', { body: made.body }, made.body);
    const now = Date.now();
    const record: LogRecord = { time: new Date(now).toISOString(), dir: 'out', from: own, to: jid, type: room ? 'groupchat' : 'chat', id: made.id, body: made.body };
    // A room sends everything back, ours too, so that is where it stands in the order of what was said.
    journal.add(jid, room ? '' : format.message(now, own, made.body), logLine(record));
    soon();
  }

  function refuse(jid: string, why: string, what: Pick<LogRecord, 'body' | 'bytes'>, text: string): void {
    const now = Date.now();
    journal.add(jid, format.notice(now, `not sent (${why}): ${text}`), logLine({ time: new Date(now).toISOString(), dir: 'refused', to: jid, reason: why, ...what }));
    journal.event('error', jid, `not sent: ${why}`);
    soon();
  }

  function bounced(message: Incoming): void {
    const { condition, text } = message.error!;
    const why = text === '' ? condition : `${condition}: ${text}`;
    journal.event('error', message.contact, `not delivered: ${printable(why)}`);
    // Whoever we never wrote to has nothing to bounce.
    if (!chats.has(message.contact)) return;
    const said = message.body === '' ? '' : `: ${excerpt(message.body)}`;
    journal.add(message.contact, format.notice(message.time, `not delivered (${printable(why)})${said}`), logLine({ ...recordOf(message), dir: 'error', reason: why }));
  }

  function recordOf(m: Incoming): LogRecord {
    const now = Date.now();
    const received = now - m.time > 1000 ? { received: new Date(now).toISOString() } : {};
    return { time: new Date(m.time).toISOString(), ...received, dir: 'in', from: m.from, to: m.to, type: m.type, id: m.id, sid: m.sid, subject: m.subject, thread: m.thread, body: m.body };
  }

  return {
    chats,
    stanza(element) {
      if (element.name !== 'message' || element.attrs['xmlns'] !== undefined) return;
      const message = readMessage(element, own, Date.now());
      if (message === null) {
        journal.event('error', '', `a message from no JID: ${excerpt(element.attrs['from'] ?? '')}`);
        return;
      }
      if (message.type === 'error') return bounced(message);
      const { contact, from, type, body, time } = message;
      rooms.set(contact, type === 'groupchat');
      if (body === '') return;
      try {
        chats.open(contact);
      } catch (error) {
        warn(`cannot make a directory for ${contact}: ${reason(error)}`);
      }
      const slash = from.indexOf('/');
      const resource = slash < 0 ? '' : from.slice(slash + 1);
      const name = type === 'groupchat' ? resource : resource === '' ? contact : `${contact}/${resource}`;
      const out = name === '' ? format.notice(time, body) : format.message(time, name, body);
      journal.add(contact, out, logLine(recordOf(message)));
      journal.event('message', contact, excerpt(body));
    },
    flush: journal.flush,
  };
}
