/**
 * What outlives a connection, and sj itself: the session that can be resumed, how far it was, and the stanzas that the
 * server has not acknowledged (XEP-0198 section 5). It is a file of lines, written so that every prefix of it makes
 * sense:
 *
 *     session JSON      a session began; its counters are 0
 *     base N            so many stanzas had been sent before the first `out` below
 *     out TIME STANZA   this one is about to be sent
 *     acked N           the server has dealt with so many
 *     in N JSON         we acknowledge so many; and how many that is for each daemon
 *     taken ID          a message that was sent and acknowledged; it may be offered again
 *     asked ID TO       an iq request of a local program
 *     answered ID
 */
import { parseElement } from '../xml/tree.ts';
import { tagEnd } from '../xml/whole.ts';
import { createOutgoing, type Outgoing, type Sent } from './manage.ts';
import type { DaemonName } from './route.ts';

export type Numbers = Readonly<Record<DaemonName, number>>;
export const NO_NUMBERS: Numbers = { messaged: 0, presenced: 0, iqd: 0 };

/** A session of stream management. */
export type Resumable = {
  /** The account it is of, as a bare JID; the id that the server gave it if it keeps it; the full JID that is bound. */
  readonly account: string;
  readonly id: string | null;
  readonly jid: string;
};

export type Kept = {
  session: Resumable | null;
  outgoing: Outgoing;
  incoming: { count: number; numbers: Numbers };
  /** Ids of messages that were sent. */
  taken: Set<string>;
  /** Requests that wait for an answer: id, and whom they were sent to. */
  asked: Map<string, string>;
};

/** So many ids are remembered. */
const MOST_TAKEN = 2000;

/** Reads the lines of a ledger; a line that is none of these is skipped. */
export function createReader(): { line(text: Buffer): void; kept(): Kept } {
  let session: Resumable | null = null;
  let base = 0;
  let open: Sent[] = [];
  let acked = 0;
  let incoming = { count: 0, numbers: NO_NUMBERS };
  const taken = new Set<string>();
  const asked = new Map<string, string>();

  const words: Record<string, (rest: string, line: Buffer) => void> = {
    session(rest) {
      const given: unknown = JSON.parse(rest);
      if (!isResumable(given)) return;
      session = given;
      base = acked = 0;
      open = [];
      incoming = { count: 0, numbers: NO_NUMBERS };
    },
    base: (rest) => void (base = acked = counter(rest)),
    out(rest, line) {
      const time = /^(\d+) </.exec(rest)?.[1];
      if (time === undefined) return;
      const bytes = Buffer.from(line.subarray(line.indexOf(0x20, 4) + 1));
      open.push({ bytes, time: Math.min(Number(time), Number.MAX_SAFE_INTEGER) });
      const id = idOf(bytes);
      if (id !== null) remember(taken, id);
    },
    acked: (rest) => void (acked = counter(rest)),
    in(rest) {
      const [count = ''] = rest.split(' ', 1);
      const { messaged, presenced, iqd }: Record<string, unknown> = JSON.parse(rest.slice(count.length));
      incoming = {
        count: counter(count),
        numbers: { messaged: counter(messaged), presenced: counter(presenced), iqd: counter(iqd) },
      };
    },
    taken: (rest) => remember(taken, rest),
    asked(rest) {
      const space = rest.indexOf(' ');
      asked.set(rest.slice(0, space), rest.slice(space + 1));
    },
    answered: (rest) => void asked.delete(rest),
  };

  return {
    line(line) {
      const text = line.toString();
      const space = text.indexOf(' ');
      const word = text.slice(0, space);
      try {
        if (Object.hasOwn(words, word)) words[word]!(text.slice(space + 1), line);
      } catch {
        // A line that a failing disk has spoilt; the others still count.
      }
    },
    kept() {
      const outgoing = createOutgoing((base + open.length) % 2 ** 32, open);
      outgoing.acknowledged(acked);
      return { session, outgoing, incoming, taken, asked };
    },
  };
}

/** @throws if it is none */
function counter(given: unknown): number {
  const n = Number(given);
  if (!Number.isInteger(n) || n < 0) throw new RangeError('not a counter');
  return n;
}

function isResumable(value: unknown): value is Resumable {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['account', 'jid'].every((key) => typeof (value as Record<string, unknown>)[key] === 'string') &&
    'id' in value &&
    (value.id === null || typeof value.id === 'string')
  );
}

/** Ids of our own are short; longer ones would fill the memory. */
const LONGEST_ID = 256;

/** The id of a message, null if it has none, or a very long one, or this is none. */
export function idOf(stanza: Buffer): string | null {
  if (stanza.toString('latin1', 0, 8) !== '<message') return null;
  const root = stanza.toString('utf8', 0, tagEnd(stanza, 0, stanza.length)).replace(/\/$/, '');
  const { id } = parseElement(Buffer.from(`${root}/>`)).attrs;
  return id !== undefined && id.length <= LONGEST_ID ? id : null;
}

export function remember(taken: Set<string>, id: string): void {
  taken.delete(id);
  taken.add(id);
  if (taken.size > MOST_TAKEN) taken.delete(taken.values().next().value!);
}

export const sessionLine = (session: Resumable): string => `session ${JSON.stringify(session)}\n`;
export const ackedLine = (h: number): string => `acked ${h}\n`;
export const inLine = (count: number, numbers: Numbers): string => `in ${count} ${JSON.stringify(numbers)}\n`;
export const askedLine = (id: string, to: string): string => `asked ${id} ${to}\n`;
export const answeredLine = (id: string): string => `answered ${id}\n`;

/** Lines for stanzas that are about to be sent. */
export function outLines(stanzas: readonly Sent[]): Buffer {
  const parts: Buffer[] = [];
  const feed = Buffer.from('\n');
  for (const { bytes, time } of stanzas) parts.push(Buffer.from(`out ${time} `), bytes, feed);
  return Buffer.concat(parts);
}

/** The whole ledger anew, without what has been dealt with. */
export function summary({ session, outgoing, incoming, taken, asked }: Kept): Buffer {
  const open = outgoing.open;
  let head = session === null ? '' : sessionLine(session);
  for (const id of taken) head += `taken ${id}\n`;
  for (const [id, to] of asked) head += askedLine(id, to);
  head += `base ${(outgoing.count - open.length + 2 ** 32) % 2 ** 32}\n${inLine(incoming.count, incoming.numbers)}`;
  return Buffer.concat([Buffer.from(head), outLines(open)]);
}
