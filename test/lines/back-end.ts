/**
 * A back end that is no XMPP: a line `FROM TAB TEXT` is a message, `FROM TAB TAB SHOW STATUS` is presence, and a line
 * that begins with a TAB is a control message as JSON. It shows what a protocol has to bring, and no more.
 */
import net from 'node:net';
import type { Message, OutgoingMessage } from '../../lib/chat/model.ts';
import type { PresenceCodec, PresenceNews } from '../../lib/presence/model.ts';
import type { BackEnd, Feed, FrameEvents } from '../../lib/session/back-end.ts';
import type { Control } from '../../lib/session/control.ts';
import { createLines } from '../../lib/sys/lines.ts';
import type { Show } from '../../lib/tree/line.ts';
import type { Own } from '../../lib/tree/mypresence.ts';

export type Frame = { readonly from: string; readonly text: string } | { readonly control: Control };

const LIMIT = 65_536;
const SHOWS: readonly string[] = ['online', 'chat', 'away', 'xa', 'dnd'] satisfies Show[];

const normalizeId = (text: string): string | null => (/^[A-Za-z0-9]{1,64}$/.test(text) ? text.toLowerCase() : null);

function parse(line: string): Frame {
  const tab = line.indexOf('\t');
  if (tab < 0) throw new Error('no TAB');
  if (tab === 0) return { control: JSON.parse(line) as Control };
  return { from: line.slice(0, tab), text: line.slice(tab + 1) };
}

function read(fd: number, on: FrameEvents<Frame>): Feed {
  const lines = createLines(LIMIT, {
    line(bytes) {
      try {
        on.frame(parse(bytes.toString()), bytes.length);
      } catch (error) {
        on.skipped(String(error), true);
      }
    },
    tooLong: (_, length) => on.skipped(`a line of ${length} bytes`, true),
  });
  const socket = new net.Socket({ fd, readable: true, writable: false });
  socket.on('data', (chunk) => {
    lines.push(chunk);
    on.batchEnd();
  });
  for (const end of ['end', 'error']) socket.on(end, on.end);
  return { pause: () => void socket.pause(), resume: () => void socket.resume() };
}

function decodeMessage(
  frame: Frame,
  { own, now }: { own: string; now: number },
): Message | { unaddressed: string } | null {
  if ('control' in frame || frame.text.startsWith('\t')) return null;
  const contact = normalizeId(frame.from);
  if (contact === null) return { unaddressed: frame.from };
  const none = { id: undefined, sid: undefined, subject: undefined, thread: undefined, meaning: undefined };
  const message = {
    contact,
    from: frame.from,
    to: own,
    type: 'line',
    group: false,
    body: frame.text.replaceAll('\u2028', '\n'),
  };
  return { ...message, ...none, receipt: undefined, time: now, delayed: false, error: undefined };
}

const encodeMessage = ({ to, body }: OutgoingMessage): string => `${to}\t${body.replaceAll('\n', '\u2028')}`;

function decodePresence(frame: Frame): PresenceNews | null {
  if ('control' in frame || !frame.text.startsWith('\t')) return null;
  const [, word = '', status = ''] = /^\t(\S+) ?(.*)$/.exec(frame.text) ?? [];
  const news = { from: frame.from, contact: normalizeId(frame.from), resource: '' };
  if (word === 'offline') return { ...news, change: { kind: 'unavailable', all: true } };
  if (!SHOWS.includes(word)) return null;
  const presence = { show: word as Show, status, priority: 0, occupant: false };
  return { ...news, change: { kind: 'available', presence, self: false } };
}

const encodePresence = ({ show, status }: Own, to = '*'): string => `${to}\t\t${show} ${status}`.trimEnd();

export const LINES: BackEnd<Frame> & PresenceCodec<Frame> = {
  normalizeId,
  decodeMessage,
  encodeMessage,
  carries: (text) => (text.startsWith('\t') ? 'it begins with a TAB' : null),
  remark: () => null,
  decodePresence,
  encodePresence,
  read,
  control: {
    write: (control) => `\t${JSON.stringify(control)}`,
    isControl: (frame) => 'control' in frame,
    read: (frame) => ('control' in frame ? frame.control : null),
    unreadable: () => ({ from: '', text: '' }),
  },
};
