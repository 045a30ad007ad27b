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
 *     taken "ID"        a message that was sent and acknowledged; it may be offered again
 *     asked ["ID","TO"] an iq request of a local program
 *     answered "ID"
 *     unacked N         of the stanzas of messaged in the `in` before, the server was not told of so many
 *     resuming N        the session was asked for N times in a row without an answer that could be used
 *
 * What others have chosen, such as an id, stands there as JSON, so that it cannot begin a line of its own. Earlier
 * versions wrote ids and addresses as they were; that is still read.
 */
import { parseElement } from '../../xml/tree.ts';
import { tagEnd } from '../../xml/whole.ts';
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
  /** By which the daemons know it; earlier versions took the server's id for that. */
  readonly name?: string | undefined;
};

export type Kept = {
  session: Resumable | null;
  outgoing: Outgoing;
  incoming: { count: number; numbers: Numbers };
  /** Ids of messages that were sent. */
  taken: Set<string>;
  /** Requests that wait for an answer: id, and whom they were sent to. */
  asked: Map<string, string>;
  /** How many attempts in a row to resume the session have failed. */
  attempts: number;
  /** How many stanzas messaged has dealt with that were not acknowledged at the end. */
  unacked: number;
};

/** So many ids are remembered. */
const MOST_TAKEN = 2000;

/** Characters of the first word of a line, and of an `out` line before its stanza, or as many as say enough. */
const LONGEST_WORD = 8;
const LONGEST_TIME = 32;

/** Reads the lines of a ledger, which must stay as they are; a line that is none of these is skipped. */
export function createReader(): { line(text: Buffer): void; kept(): Kept; readonly spoilt: number } {
  let spoilt = 0;
  let session: Resumable | null = null;
  let base = 0;
  let open: Sent[] = [];
  let acked = 0;
  let incoming = { count: 0, numbers: NO_NUMBERS };
  /** Lines that tell of messages that were sent. */
  const said: Buffer[] = [];
  const asked = new Map<string, string>();
  let attempts = 0;
  let unacked = 0;

  const words: Record<string, (rest: string, line: Buffer) => void> = {
    session(rest) {
      const given: unknown = JSON.parse(rest);
      if (!isResumable(given)) throw new TypeError('not a session');
      session = given;
      base = acked = attempts = unacked = 0;
      open = [];
      incoming = { count: 0, numbers: NO_NUMBERS };
    },
    base: (rest) => void (base = acked = counter(rest)),
    out(rest, line) {
      const bytes = stanzaOf(line);
      if (bytes === null || !isStanza(bytes)) throw new TypeError('not a stanza');
      open.push({ bytes, time: Math.min(Number.parseInt(rest, 10), Number.MAX_SAFE_INTEGER) });
      said.push(line);
    },
    acked: (rest) => void (acked = counter(rest)),
    in(rest) {
      const [count = ''] = rest.split(' ', 1);
      unacked = 0;
      const { messaged, presenced, iqd }: Record<string, unknown> = JSON.parse(rest.slice(count.length));
      incoming = {
        count: counter(count),
        numbers: { messaged: counter(messaged), presenced: counter(presenced), iqd: counter(iqd) },
      };
    },
    taken: (_, line) => void said.push(line),
    asked(rest) {
      const given = jsonOf(rest, isPair);
      const space = rest.indexOf(' ');
      const [id, to] = given ?? [rest.slice(0, space), rest.slice(space + 1)];
      asked.set(id, to);
    },
    answered: (rest) => void asked.delete(jsonOf(rest, isText) ?? rest),
    unacked: (rest) => void (unacked = counter(rest)),
    resuming: (rest) => void (attempts = counter(rest)),
  };

  return {
    line(line) {
      const space = line.indexOf(0x20);
      const word = line.toString('latin1', 0, Math.min(space, LONGEST_WORD));
      // Of a stanza nothing is read here but its time.
      const end = word === 'out' ? Math.min(line.length, LONGEST_TIME) : line.length;
      try {
        if (Object.hasOwn(words, word)) words[word]!(line.toString('utf8', space + 1, end), line);
        else spoilt++;
      } catch {
        // A line that a failing disk has spoilt; the others still count.
        spoilt++;
      }
    },
    get spoilt() {
      return spoilt;
    },
    kept() {
      const all = createOutgoing((base + open.length) % 2 ** 32, open);
      all.acknowledged(acked);
      // Only these are kept, not everything that was read.
      const rest = all.open.map(({ bytes, time }) => ({ bytes: Buffer.from(bytes), time }));
      const outgoing = createOutgoing(all.count, rest);
      const taken = createTakenIds();
      for (let i = said.length - 1; i >= 0 && !taken.line(said[i]!); i--);
      return { session, outgoing, incoming, taken: taken.ids(), asked, attempts, unacked };
    },
  };
}

/**
 * The ids of messages that were sent, from the lines of a ledger, the last one first.
 * @returns of `line`: whether there are enough; of `ids`: all of them, the last one last
 */
export function createTakenIds(): { line(text: Buffer): boolean; ids(): Set<string> } {
  const found = new Set<string>();
  return {
    line(line) {
      const word = line.toString('latin1', 0, WORD.taken.length);
      if (word === WORD.taken) {
        const rest = line.toString('utf8', WORD.taken.length);
        found.add(jsonOf(rest, isText) ?? rest);
      } else if (word.startsWith(WORD.out)) {
        const stanza = stanzaOf(line);
        const id = stanza === null ? null : idOf(stanza);
        if (id !== null) found.add(id);
      }
      return found.size >= MOST_TAKEN;
    },
    ids: () => new Set([...found].reverse()),
  };
}

const WORD = { taken: 'taken ', out: 'out ' } as const;

/** The stanza of an `out` line; null if that is none. */
function stanzaOf(line: Buffer): Buffer | null {
  let at = WORD.out.length;
  while (line[at]! >= 0x30 && line[at]! <= 0x39) at++;
  const found = at > WORD.out.length && line[at] === 0x20 && line[at + 1] === 0x3c;
  return found ? line.subarray(at + 1) : null;
}

/**
 * Whether bytes can be sent: a stanza that is whole. Its first and last bytes tell that of what has a checksum; what has
 * none is parsed before it is sent.
 */
const isStanza = (bytes: Buffer): boolean => bytes[0] === 0x3c && bytes[bytes.length - 1] === 0x3e;

const isText = (value: unknown): value is string => typeof value === 'string';
const isPair = (value: unknown): value is [string, string] =>
  Array.isArray(value) && value.length === 2 && value.every(isText);

/** What a JSON text says, undefined if it is none, or not of this kind. */
function jsonOf<T>(text: string, is: (value: unknown) => value is T): T | undefined {
  if (!/^["[]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return is(value) ? value : undefined;
  } catch {
    return undefined;
  }
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
    (!('name' in value) || typeof value.name === 'string') &&
    'id' in value &&
    (value.id === null || typeof value.id === 'string')
  );
}

/** Ids of our own are short; longer ones would fill the memory. */
const LONGEST_ID = 256;

/** Characters of the root's start tag among which an id is looked for without reading the whole. */
const EARLY = 1024;

/** In the root's start tag as messaged writes it; a value holds no apostrophe there. */
const ID = /^<message(?: (?!id=)[^ =']+='[^']*')* id='([!-%(-~]*)'/;

/** The id of a message, null if it has none, or a very long one, or this is none, or nothing that can be read. */
export function idOf(stanza: Buffer): string | null {
  const head = stanza.toString('latin1', 0, EARLY);
  if (!head.startsWith('<message')) return null;
  const id = ID.exec(head)?.[1] ?? idIn(stanza);
  return id !== undefined && id.length <= LONGEST_ID ? id : null;
}

function idIn(stanza: Buffer): string | undefined {
  const root = stanza.toString('utf8', 0, tagEnd(stanza, 0, stanza.length)).replace(/\/$/, '');
  try {
    return parseElement(Buffer.from(`${root}/>`)).attrs.id;
  } catch {
    // A failing disk has spoilt it.
    return undefined;
  }
}

export const sessionLine = (session: Resumable): string => `session ${JSON.stringify(session)}\n`;
export const ackedLine = (h: number): string => `acked ${h}\n`;
export const inLine = (count: number, numbers: Numbers): string => `in ${count} ${JSON.stringify(numbers)}\n`;
const takenLine = (id: string): string => `${WORD.taken}${JSON.stringify(id)}\n`;
export const askedLine = (id: string, to: string): string => `asked ${JSON.stringify([id, to])}\n`;
export const unackedLine = (n: number): string => `unacked ${n}\n`;
export const resumingLine = (attempts: number): string => `resuming ${attempts}\n`;
export const answeredLine = (id: string): string => `answered ${JSON.stringify(id)}\n`;

/** A line feed in a stanza would end its line; a canonical one has none. */
const oneLine = (bytes: Buffer): Buffer =>
  bytes.includes(0x0a) ? Buffer.from(bytes.toString('latin1').replaceAll('\n', '&#10;'), 'latin1') : bytes;

/** Lines for stanzas that are about to be sent. */
export function outLines(given: readonly Sent[]): Buffer {
  const stanzas = given.map(({ bytes, time }) => ({ bytes: oneLine(bytes), time }));
  const words = (time: number) => `${WORD.out}${time} `;
  let size = 0;
  for (const { bytes, time } of stanzas) size += words(time).length + bytes.length + 1;
  const lines = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { bytes, time } of stanzas) {
    at += lines.write(words(time), at, 'latin1');
    at += bytes.copy(lines, at);
    lines[at++] = 0x0a;
  }
  return lines;
}

/** The whole ledger anew, without what has been dealt with. */
export function summary({ session, outgoing, incoming, taken, asked, attempts, unacked }: Kept): Buffer {
  const open = outgoing.open;
  let head = session === null ? '' : sessionLine(session);
  if (session !== null && attempts > 0) head += resumingLine(attempts);
  for (const id of taken) head += takenLine(id);
  for (const [id, to] of asked) head += askedLine(id, to);
  head += `base ${(outgoing.count - open.length + 2 ** 32) % 2 ** 32}\n${inLine(incoming.count, incoming.numbers)}`;
  if (unacked > 0) head += unackedLine(unacked);
  return Buffer.concat([Buffer.from(head), outLines(open)]);
}
