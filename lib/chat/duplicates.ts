/**
 * The last messages that came, to know those that a server gives again in a new session because it does not know that
 * they were written down. Within one session nothing is taken for a repetition: some clients use one id for everything.
 *
 * The same sender, text and id are not enough, for the same reason: the id must be the server's own (XEP-0359), or the
 * message one that the server could not know to have arrived, or the time that it names that of the first one.
 */
import { createHash } from 'node:crypto';

/** What a message is known by. */
export type Mark = {
  readonly from: string;
  /** The sender's id, and the one that the account's archive or the room gave (XEP-0359). */
  readonly id?: string | undefined;
  readonly sid?: string | undefined;
  readonly body: string;
  /** When it was said, or came, in milliseconds since the epoch. */
  readonly time?: number | undefined;
  /** The session broke before the server was told that it had arrived. */
  readonly unacked?: boolean | undefined;
};

export type DuplicatesState = { readonly earlier: readonly Mark[]; readonly now: readonly Mark[] };

export type Duplicates = {
  /** A new session begins: everything until now was before it. @param unacked how many of the last ones may come again */
  begin(unacked?: number): void;
  add(mark: Mark): void;
  /** @param delayed whether the server says that the message is not new (XEP-0203), and when it was said */
  repeats(mark: Mark, delayed: boolean): boolean;
  readonly state: DuplicatesState;
};

/**
 * So many messages of a session, and of all before it, are remembered. A server that was killed may give again what it
 * had given minutes before.
 */
export const MOST = 2048;

/** How far, in milliseconds, the time at which a message came may be from the one that the server has for it. */
const SKEW = 2000;

/** Characters of a text that are worth keeping. */
const SHORT = 200;

const short = (text: string): string =>
  text.length <= SHORT ? text : `\u0000${createHash('sha256').update(text).digest('base64')}`;

/** A text by which it is known again and that does not tell it: what the user has deleted is not kept here. */
const digest = (text: string): string =>
  text.startsWith('\u0000') ? text : `\u0000${createHash('sha256').update(text).digest('base64')}`;

/** No XML has it. */
const BETWEEN = '\u0001';

/** The mark as it is kept: whoever sends long ids does not fill the memory. */
const kept = ({ from, id, sid, body, time, unacked }: Mark): Mark => ({
  from: short(from),
  id: id === undefined ? id : short(id),
  sid: sid === undefined ? sid : short(sid),
  body: digest(body),
  ...(time !== undefined && { time }),
  ...(unacked && { unacked }),
});

/** Who has said what. */
const text = ({ from, body }: Pick<Mark, 'from' | 'body'>): string => `${from}\n${body}`;

/** Marks one after the other, as bytes: on the heap thousands of texts that live so long cost more than all the rest. */
function createRing(marks: readonly Mark[]) {
  const starts = new Uint32Array(2 * MOST + 1);
  let bytes = Buffer.alloc(0);
  let count = 0;

  /** Where what is to be kept begins: the last ones. */
  const first = () => Math.max(0, count - MOST);

  /** Leaves the last ones, with so much room after them. */
  function tidy(room: number): void {
    const from = first();
    const at = starts[from]!;
    const used = starts[count]! - at;
    const enough = used + room <= bytes.length;
    const kept = enough ? bytes : Buffer.allocUnsafeSlow(2 * (used + room));
    bytes.copy(kept, 0, at, at + used);
    bytes = kept;
    for (let i = from; i <= count; i++) starts[i - from] = starts[i]! - at;
    count -= from;
  }

  function add({ from, id = '', sid = '', body, time }: Mark): void {
    const text = `${short(from)}${BETWEEN}${short(id)}${BETWEEN}${short(sid)}${BETWEEN}${time ?? ''}${BETWEEN}${short(body)}`;
    // No code unit takes more than three bytes.
    const room = 3 * text.length;
    if (count === 2 * MOST || starts[count]! + room > bytes.length) tidy(room);
    const at = starts[count]!;
    starts[++count] = at + bytes.write(text, at);
  }

  for (const mark of marks) add(mark);
  return {
    add,
    get marks(): Mark[] {
      const found: Mark[] = [];
      for (let i = first(); i < count; i++) {
        const [from = '', id, sid, time, ...body] = bytes.toString('utf8', starts[i], starts[i + 1]).split(BETWEEN);
        found.push({
          from,
          id: id || undefined,
          sid: sid || undefined,
          body: digest(body.join(BETWEEN)),
          time: time ? Number(time) : undefined,
        });
      }
      return found;
    },
  };
}

export function createDuplicates({ earlier, now }: DuplicatesState = { earlier: [], now: [] }): Duplicates {
  let past = earlier.map(kept);
  let ring = createRing(now);
  let known = index();

  function index(): Map<string, Mark[]> {
    const found = new Map<string, Mark[]>();
    for (const mark of past) {
      const same = found.get(text(mark));
      if (same === undefined) found.set(text(mark), [mark]);
      else same.push(mark);
    }
    return found;
  }

  return {
    begin(unacked = 0) {
      const marks = ring.marks;
      const first = marks.length - unacked;
      past = [...past, ...marks.map((mark, i) => (i < first ? mark : { ...mark, unacked: true }))].slice(-MOST);
      ring = createRing([]);
      known = index();
    },
    add: (mark) => ring.add(mark),
    repeats(given, delayed) {
      if (known.size === 0) return false;
      const { id, sid, time = 0, ...said } = kept(given);
      return (known.get(text(said)) ?? []).some((mark) => {
        if (sid !== undefined && mark.sid === sid) return true;
        if (id === undefined || mark.id !== id) return false;
        return mark.unacked === true || (delayed && Math.abs(time - (mark.time ?? Number.NEGATIVE_INFINITY)) <= SKEW);
      });
    },
    get state() {
      return { earlier: past, now: ring.marks };
    },
  };
}
