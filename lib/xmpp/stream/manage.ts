/**
 * Stream management (XEP-0198 1.6.3): how much of what we sent has arrived, and how much of what arrived has been dealt
 * with. Pure: it holds the counters and what must be sent again, and says when an acknowledgement is due. Counters go
 * round at 2^32.
 */

const ROUND = 2 ** 32;
/** How far `a` is after `b` on the way round. */
const distance = (a: number, b: number): number => (a - b + ROUND) % ROUND;
export const plus = (a: number, n: number): number => (a + n) % ROUND;

/** A stanza that was sent and is not acknowledged. */
export type Sent = {
  /** Its canonical text. */
  readonly bytes: Buffer;
  /** When it was sent first, in milliseconds since the epoch. */
  readonly time: number;
};

export type Outgoing = {
  /** How many stanzas have been sent in this session. */
  readonly count: number;
  /** What is not acknowledged, oldest first. */
  readonly open: readonly Sent[];
  readonly openCount: number;
  readonly openBytes: number;
  sent(stanza: Sent): void;
  /**
   * The other side has dealt with `h` stanzas.
   * @returns how many of them are news, or null if it claims more than it was sent
   */
  acknowledged(h: number): number | null;
};

/** @param count where an earlier connection of the session stood with all of `open` sent */
export function createOutgoing(count = 0, open: readonly Sent[] = []): Outgoing {
  let queue = [...open];
  /** How many at the front of the queue are done with: it is cut when they are the larger part. */
  let head = 0;
  let bytes = open.reduce((sum, stanza) => sum + stanza.bytes.length, 0);
  return {
    get count() {
      return count;
    },
    get open() {
      return queue.slice(head);
    },
    get openCount() {
      return queue.length - head;
    },
    get openBytes() {
      return bytes;
    },
    sent(stanza) {
      count = plus(count, 1);
      bytes += stanza.bytes.length;
      queue.push(stanza);
    },
    acknowledged(h) {
      const waiting = queue.length - head;
      const news = distance(h, distance(count, waiting));
      if (news > waiting) return null;
      for (let i = 0; i < news; i++) bytes -= queue[head + i]!.bytes.length;
      head += news;
      if (head > 64 && head * 2 > queue.length) {
        queue = queue.slice(head);
        head = 0;
      }
      return news;
    },
  };
}

/** Where somebody who takes stanzas stands: how many he has been given, and how many he has dealt with. */
type Taker = { given: number; done: number };

export type Incoming<Name extends string> = {
  /** How many stanzas have arrived in this session. */
  readonly count: number;
  /** How many of them, from the first on, have been dealt with: what may be acknowledged. */
  readonly handled: number;
  /** A stanza for one of the takers, or for nobody, has arrived. @returns its number among those of the taker */
  arrived(taker: Name | null): number;
  /** The taker is given a stanza that does not count, before any that does. */
  extra(taker: Name): void;
  /** The number of the last stanza that a taker was given. */
  given(taker: Name): number;
  /** What has arrived until now has been handed over: the end of a batch. */
  mark(): void;
  /** The taker has dealt with its stanzas up to this number. */
  done(taker: Name, number: number): void;
  /** The numbers of the takers at `handled`, to go on from after a resumption. */
  readonly numbers: Readonly<Record<Name, number>>;
};

/** What arrives while nobody deals with anything must not add up: beyond so many batches, they become one. */
const MOST_MARKS = 1000;

/**
 * @param from where an earlier connection of the session stood: the count that was dealt with, and each taker's number
 */
export function createIncoming<Name extends string>(from: {
  count: number;
  numbers: Readonly<Record<Name, number>>;
}): Incoming<Name> {
  const names = Object.keys(from.numbers) as Name[];
  const takers = {} as Record<Name, Taker>;
  for (const name of names) takers[name] = { given: from.numbers[name], done: from.numbers[name] };
  let count = from.count;
  let handled = from.count;
  let numbers = from.numbers;
  let marked = from.count;
  let marks: { count: number; numbers: Record<Name, number> }[] = [];

  function advance(): void {
    let passed = 0;
    while (passed < marks.length && names.every((name) => takers[name].done >= marks[passed]!.numbers[name])) passed++;
    if (passed === 0) return;
    const last = marks[passed - 1]!;
    handled = last.count;
    numbers = last.numbers;
    marks = marks.slice(passed);
  }

  return {
    get count() {
      return count;
    },
    get handled() {
      return handled;
    },
    get numbers() {
      return numbers;
    },
    arrived(taker) {
      count = plus(count, 1);
      return taker === null ? 0 : ++takers[taker].given;
    },
    extra(taker) {
      takers[taker].given++;
      // It will not come again, so the numbers of those that may come again begin after it.
      numbers = { ...numbers, [taker]: numbers[taker] + 1 };
    },
    given: (taker) => takers[taker].given,
    mark() {
      if (count === marked) return;
      marked = count;
      const given = {} as Record<Name, number>;
      for (const name of names) given[name] = takers[name].given;
      if (marks.length >= MOST_MARKS) marks.pop();
      marks.push({ count, numbers: given });
      advance();
    },
    done(taker, number) {
      takers[taker].done = Math.max(takers[taker].done, Math.min(number, takers[taker].given));
      advance();
    },
  };
}

/** When to acknowledge, and when to ask for it: by count and by time, not for each stanza. */
export type AckPolicy = {
  /** How many of its stanzas the other side knows to be dealt with. */
  readonly told: number;
  /** The other side wants to know. */
  asked(): void;
  /** An acknowledgement has come. */
  answered(): void;
  /**
   * What is due now.
   * @param open how many of our stanzas are not acknowledged; `handled` what may be acknowledged; `count` what arrived
   * @param now a monotonic clock in milliseconds
   */
  due(state: { open: number; handled: number; count: number }, now: number): { acknowledge: boolean; ask: boolean };
};

/**
 * So many stanzas, or so many milliseconds after the first one, and it is time. What the server has and has not
 * acknowledged arrives twice if it can't resume the session, so it is asked sooner than it is told.
 */
const EVERY = { stanzas: 100, tell: 5000, ask: 1000 } as const;

/** Who has not answered for so many milliseconds is asked again. */
const PATIENCE = 60_000;

export function createAckPolicy(start = 0): AckPolicy {
  /** What we acknowledged last. */
  let told = start;
  /** The other side asked when so many had arrived that it has not been told of. */
  let owed: 'now' | 'later' | null = null;
  let askedAt: number | null = null;
  let openSince: number | null = null;
  let toldSince: number | null = null;
  return {
    get told() {
      return told;
    },
    asked() {
      owed = 'now';
    },
    answered() {
      askedAt = null;
      openSince = null;
    },
    due({ open, handled, count }, now) {
      const news = distance(handled, told);
      toldSince = news === 0 ? null : (toldSince ?? now);
      const late = toldSince !== null && now - toldSince >= EVERY.tell;
      const acknowledge = owed === 'now' || (news > 0 && (owed === 'later' || news >= EVERY.stanzas || late));
      if (acknowledge) {
        told = handled;
        toldSince = null;
      }
      if (owed !== null) owed = handled === count ? null : 'later';

      openSince = open === 0 ? null : (openSince ?? now);
      const wanted = openSince !== null && (open >= EVERY.stanzas || now - openSince >= EVERY.ask);
      const ask = wanted && (askedAt === null || now - askedAt >= PATIENCE);
      if (ask) askedAt = now;
      return { acknowledge, ask };
    },
  };
}
