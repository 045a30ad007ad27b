/**
 * The last messages that came, to know those that a server gives again in a new session because it does not know that
 * they were written down. Within one session nothing is taken for a repetition: some clients use one id for everything.
 */
import { createHash } from 'node:crypto';

/** What a message is known by. */
export type Mark = {
  readonly from: string;
  /** The sender's id, and the one that the account's archive or the room gave (XEP-0359). */
  readonly id?: string | undefined;
  readonly sid?: string | undefined;
  readonly body: string;
};

export type RecentState = { readonly earlier: readonly Mark[]; readonly now: readonly Mark[] };

export type Recent = {
  /** A new session begins: everything until now was before it. */
  begin(): void;
  add(mark: Mark): void;
  /** @param delayed whether the server says that the message is not new (XEP-0203): an id alone does not tell enough */
  repeats(mark: Mark, delayed: boolean): boolean;
  readonly state: RecentState;
};

/**
 * So many messages of a session, and of all before it, are remembered. A server that was killed may give again what it
 * had given minutes before.
 */
export const MOST = 2048;

/** Characters of a text that are worth keeping. */
const SHORT = 200;

const short = (text: string): string =>
  text.length <= SHORT ? text : `\u0000${createHash('sha256').update(text).digest('base64')}`;

/** The mark as it is kept: whoever sends long ids does not fill the memory. */
const kept = ({ from, id, sid, body }: Mark): Mark => ({
  from: short(from),
  id: id === undefined ? id : short(id),
  sid: sid === undefined ? sid : short(sid),
  body: short(body),
});

/** Who has said what. */
const text = ({ from, body }: Pick<Mark, 'from' | 'body'>): string => `${from}\n${body}`;

export function createRecent({ earlier, now }: RecentState = { earlier: [], now: [] }): Recent {
  let past = earlier.map(kept);
  let ring = now.map(kept);
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
    begin() {
      past = [...past, ...ring.slice(-MOST)].slice(-MOST);
      ring = [];
      known = index();
    },
    add(mark) {
      ring.push(kept(mark));
      if (ring.length >= 2 * MOST) ring = ring.slice(-MOST);
    },
    repeats(given, delayed) {
      if (known.size === 0) return false;
      const { id, sid, ...said } = kept(given);
      return (known.get(text(said)) ?? []).some(
        (mark) => (sid !== undefined && mark.sid === sid) || (delayed && id !== undefined && mark.id === id),
      );
    },
    get state() {
      return { earlier: past, now: ring.slice(-MOST) };
    },
  };
}
