/**
 * Keeps a session over connections and over sj's own end: what was sent, what was dealt with, and who waits for an
 * answer, in memory and in the ledger. Here the pure parts (`manage.ts`, `ledger.ts`) meet the file.
 */

import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { openSpool, type Spool } from '../../store/spool.ts';
import { reason } from '../../sys/errno.ts';
import { parseElement } from '../../xml/tree.ts';
import { canonical } from '../../xml/write.ts';
import { DELAY_NS, SM_NS } from '../ns.ts';
import { Breach } from './faults.ts';
import {
  ackedLine,
  answeredLine,
  askedLine,
  createReader,
  createTakenIds,
  inLine,
  type Kept,
  NO_NUMBERS,
  outLines,
  resumingLine,
  summary,
  unackedLine,
} from './ledger.ts';
import { keepPlace } from './location.ts';
import { createAckPolicy, createIncoming, createOutgoing, type Incoming, type Sent } from './manage.ts';
import type { DaemonName } from './route.ts';
import type { Session } from './session-model.ts';

export type SessionStore = {
  /** What can be resumed, for `negotiate`. */
  readonly resume: { id: string; jid: string; h: number } | null;
  /** The session is about to be resumed; if nothing comes of it several times in a row, it is given up. */
  resuming(): void;
  /** The session can't be resumed: the next one is new, and what is unacked is sent again in it. */
  unresumable(): void;
  /** Of the session before, if this one is new: its name, and how many stanzas of messaged the server knows to be here. */
  readonly past: { readonly name: string; readonly acked: number } | null;
  /** Requests of an earlier connection that wait for an answer: id, and whom they were sent to. */
  readonly asked: ReadonlyMap<string, string>;
  /**
   * A session is there.
   * @returns what has to be sent before anything else, and what is given up
   */
  begin(session: Session): { again: readonly Sent[]; lost: readonly Sent[] };
  /** A daemon is about to be given a stanza that does not count in the session, before any that does. */
  extra(taker: DaemonName): void;
  /** Whether the server tells what has arrived. */
  readonly managed: boolean;
  /** Something is to be said sooner or later: call `due` again after some seconds. */
  readonly pending: boolean;
  /** By which the daemons know the session. */
  readonly name: string;
  readonly incoming: Incoming<DaemonName>;
  /** Stanzas are about to be sent. @throws if they can't be kept */
  sent(stanzas: readonly Sent[]): void;
  /** Tells when what was sent until now will outlive a power failure, or why not; at once if nothing is kept. */
  kept(done: (error: Error | null) => void): void;
  /** Whether a message of this id has been sent before. */
  taken(id: string): boolean;
  /** The server has dealt with `h` of ours. @throws Fatal 76 if it can't have */
  acknowledged(h: number): void;
  /** The server wants to know how many of its stanzas have been dealt with. */
  wanted(): void;
  ask(id: string, to: string): void;
  /** An answer has come, and is handed to iqd next. */
  answered(id: string): void;
  /** What is to be said to the server now; may be empty. `now` is a monotonic clock in milliseconds. */
  due(now: number): string;
  /** So much is not acknowledged that nothing should be added. */
  readonly full: boolean;
  /** Whether there is anything that the server has not acknowledged; asks for it. */
  request(): string;
  /** The session is over for good. */
  over(): void;
  close(): void;
};

const FILE = '.queue';

/** Unacknowledged stanzas, and their bytes, that are kept before local programs have to wait. */
const MOST_OPEN = { stanzas: 5000, bytes: 8 * 1_048_576 };

/** The ledger is written anew when it is larger than this and mostly of the past, in bytes. */
const LARGE = 1_048_576;

/** What was said in a room is not said again when it is older than this, in milliseconds: the talk has gone on. */
const ROOM_AGE = 60_000;

/** So many attempts in a row to resume a session may fail, by a closed connection or a stream error. */
const MOST_ATTEMPTS = 3;

/** A message that is sent again after so many milliseconds tells when it was sent first (XEP-0203). */
const DELAY_AGE = 30_000;

/**
 * Opens the ledger of an account directory.
 * @throws Fatal 111 if it can't be read or written
 */
export function openSessionStore(
  dir: string,
  account: string,
  warn: (message: string) => void = () => {},
): SessionStore {
  const file = path.join(dir, FILE);
  const reader = createReader();
  let spool: Spool;
  try {
    spool = openSpool(file, reader.line);
  } catch (error) {
    throw new Fatal(EXIT.temporary, `cannot open ${file}: ${reason(error)}`);
  }
  let state: Kept = reader.kept();
  /** Bytes there were when it was last written anew. */
  let live = 0;
  /** The last line about what was dealt with. */
  let said = '';
  renew();
  // What somebody else has not got rid of is not ours to say.
  if (state.session !== null && state.session.account !== account) state = createReader().kept();
  let managed = false;
  let name = '';
  let past: SessionStore['past'] = null;
  /** How many stanzas of messaged the last acknowledgement was for. */
  let ackedMessages = state.incoming.numbers.messaged - state.unacked;
  let incoming = createIncoming<DaemonName>(state.incoming);
  let ackPolicy = createAckPolicy(state.incoming.count);
  /** Answers that are handed to iqd, by id, and their numbers there. */
  const answers = new Map<string, number>();

  /** Writes at once in the form of today what was found in another one, and without the lines that are spoilt. */
  function renew(): void {
    const { outgoing } = state;
    const whole = outgoing.open.filter((stanza) => !spool.old || readable(stanza));
    const spoilt = spool.spoilt + reader.spoilt + outgoing.openCount - whole.length;
    if (spoilt > 0) {
      spool.putAside();
      warn(`${file}: left out ${spoilt} spoilt lines; all of it is in ${FILE}.spoilt`);
      // What was counted is not known any more, so the session can't be resumed.
      const session = state.session === null ? null : { ...state.session, id: null };
      state = { ...state, session, outgoing: createOutgoing(whole.length, whole) };
    } else if (!spool.old) return;
    try {
      spool.rewrite(summary(state));
    } catch (error) {
      spool.close();
      throw new Fatal(EXIT.temporary, `cannot write ${file}: ${reason(error)}`);
    }
  }

  /** Writes the ledger anew, without what is past. */
  function tidy(): void {
    const past = createTakenIds();
    spool.readBack(past.line);
    state.taken = past.ids();
    spool.rewrite(
      summary({
        ...state,
        incoming: { count: incoming.handled, numbers: incoming.numbers },
        unacked: managed ? incoming.numbers.messaged - ackedMessages : state.unacked,
      }),
    );
    live = spool.size;
  }

  /** Appends lines; what is acknowledged or was dealt with need not stay for that. */
  function append(lines: string | Buffer): void {
    try {
      spool.append(lines);
    } catch (error) {
      said = '';
      throw error;
    }
    const most = Math.max(live + LARGE / 2, LARGE, 4 * state.outgoing.openBytes);
    if (spool.size <= most) return;
    try {
      tidy();
    } catch {
      // It is only large.
      live = spool.size;
    }
  }

  /** Lines for what may be acknowledged. An answer is awaited until then: the server might have to give it again. */
  function dealt(): string {
    const line = inLine(incoming.handled, incoming.numbers);
    // A server that asks again and again hears the same, and the file need not grow for that.
    let lines = line === said ? '' : line;
    said = line;
    for (const [id, n] of answers) if (n <= incoming.numbers.iqd) lines += forget(id);
    return lines;
  }

  function forget(id: string): string {
    answers.delete(id);
    return state.asked.delete(id) ? answeredLine(id) : '';
  }

  function attempted(attempts: number): void {
    state.attempts = attempts;
    append(resumingLine(attempts));
  }

  function acknowledged(h: number): void {
    ackPolicy.answered();
    const news = state.outgoing.acknowledged(h);
    if (news === null) throw tooHigh(h, state.outgoing.count);
    if (news === 0) return;
    append(ackedLine(h));
  }

  function begin(session: Session): { again: readonly Sent[]; lost: readonly Sent[] } {
    managed = session.managed !== null;
    if (session.managed?.resumed) {
      name = state.session?.name ?? session.managed.id ?? randomUUID();
      attempted(0);
      // The request to resume has told of everything.
      ackedMessages = state.incoming.numbers.messaged;
      state.unacked = 0;
      try {
        acknowledged(session.managed.h);
      } catch (error) {
        // Whoever is wrong, the counters can't be made to agree: the next session is a new one.
        state.session = null;
        tidy();
        throw error;
      }
      return { again: state.outgoing.open, lost: [] };
    }
    // A server may give a new session the id of an earlier one, and nothing of that one is to be taken for this.
    past = state.session?.name === undefined ? null : { name: state.session.name, acked: ackedMessages };
    name = randomUUID();
    said = '';
    ackedMessages = state.unacked = 0;
    state.attempts = 0;
    if (session.arrivedBefore !== null) state.outgoing.acknowledged(session.arrivedBefore);
    const now = Date.now();
    const again: Sent[] = [];
    const lost: Sent[] = [];
    for (const stanza of state.outgoing.open) {
      const fate = judge(stanza, now);
      const later = fate === 'again' ? delayed(stanza, now) : stanza;
      if (fate === 'past') continue;
      // This server may take less than the one before.
      if (fate === 'again' && later.bytes.length <= session.limits.bytes) again.push(later);
      else lost.push(stanza);
    }
    state.session = managed ? { account, id: session.managed?.id ?? null, jid: session.jid, name } : null;
    state.asked.clear();
    answers.clear();
    incoming = createIncoming<DaemonName>({ count: 0, numbers: NO_NUMBERS });
    ackPolicy = createAckPolicy();
    state.outgoing = createOutgoing();
    if (managed) for (const stanza of again) state.outgoing.sent(stanza);
    if (spool.size > 0 || managed) tidy();
    keepPlace(dir, account, session.managed?.location ?? null);
    return { again, lost };
  }

  return {
    get resume() {
      const { session } = state;
      return session?.id == null || state.attempts >= MOST_ATTEMPTS
        ? null
        : { id: session.id, jid: session.jid, h: state.incoming.count };
    },
    get past() {
      return past;
    },
    get asked() {
      return state.asked;
    },
    resuming: () => attempted(state.attempts + 1),
    unresumable: () => attempted(MOST_ATTEMPTS),
    begin,
    extra(taker) {
      incoming.extra(taker);
      if (managed) append(dealt());
    },
    get managed() {
      return managed;
    },
    get pending() {
      return managed && (state.outgoing.openCount > 0 || incoming.handled !== ackPolicy.told);
    },
    get name() {
      return name;
    },
    get incoming() {
      return incoming;
    },
    sent(stanzas) {
      if (!managed) return;
      const lines = outLines(stanzas);
      // First these: what is written anew meanwhile must tell of them.
      spool.append(lines);
      for (const stanza of stanzas) state.outgoing.sent(stanza);
      append('');
    },
    kept(done) {
      if (managed) spool.sync(done);
      else done(null);
    },
    taken: (id) => state.taken.has(id),
    acknowledged,
    wanted: () => ackPolicy.asked(),
    ask(id, to) {
      answers.delete(id);
      state.asked.set(id, to);
      append(askedLine(id, to));
    },
    answered(id) {
      if (managed && state.asked.has(id)) answers.set(id, incoming.given('iqd') + 1);
      else append(forget(id));
    },
    due(now) {
      if (!managed) return '';
      const { handled, count } = incoming;
      const { acknowledge, ask } = ackPolicy.due({ open: state.outgoing.openCount, handled, count }, now);
      // First to the file: the server forgets what we acknowledge.
      if (acknowledge) {
        append(dealt());
        ackedMessages = incoming.numbers.messaged;
      }
      return `${acknowledge ? `<a xmlns='${SM_NS}' h='${handled}'/>` : ''}${ask ? REQUEST : ''}`;
    },
    get full() {
      return managed && (state.outgoing.openCount >= MOST_OPEN.stanzas || state.outgoing.openBytes >= MOST_OPEN.bytes);
    },
    request: () => (managed && state.outgoing.openCount > 0 ? REQUEST : ''),
    over() {
      if (state.session !== null) state.session = { ...state.session, id: null };
      if (spool.size > 0) tidy();
      keepPlace(dir, account, null);
    },
    close() {
      if (managed && state.session !== null) {
        const unacked = incoming.numbers.messaged - ackedMessages;
        append(dealt() + (unacked > 0 ? unackedLine(unacked) : ''));
      }
      spool.close();
    },
  };
}

/** Whether it is a stanza: what an earlier version wrote has no checksum to tell that. */
function readable({ bytes }: Sent): boolean {
  try {
    parseElement(bytes);
    return true;
  } catch {
    return false;
  }
}

/** What becomes of a stanza whose session could not be resumed: who asks or is present is so no more. */
function judge({ bytes, time }: Sent, now: number): 'again' | 'lost' | 'past' {
  const {
    name,
    attrs: { type },
  } = parseElement(bytes);
  if (name !== 'message' || type === 'error') return 'past';
  return type === 'groupchat' && now - time > ROOM_AGE ? 'lost' : 'again';
}

function delayed(stanza: Sent, now: number): Sent {
  if (now - stanza.time < DELAY_AGE) return stanza;
  const element = parseElement(stanza.bytes);
  if (element.getChild('delay', DELAY_NS) === undefined)
    element.c('delay', { xmlns: DELAY_NS, stamp: new Date(stanza.time).toISOString() });
  return { bytes: Buffer.from(canonical(element)), time: stanza.time };
}

const REQUEST = `<r xmlns='${SM_NS}'/>`;

function tooHigh(h: number, sent: number): Breach {
  const details = `<handled-count-too-high xmlns='${SM_NS}' h='${h}' send-count='${sent}'/>`;
  return new Breach('undefined-condition', `the server acknowledges ${h} stanzas, more than it was sent`, '', details);
}
