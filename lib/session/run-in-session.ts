/**
 * messaged, from its start to its end, as a part of a session of sj: what sj hands out is written down before it is
 * done, and what contacts are written is kept until sj has taken it; by this process or by the one after it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createBatcher } from '../chat/batcher.ts';
import { type Conversation, createConversation } from '../chat/conversation.ts';
import { createInboxes } from '../chat/inboxes.ts';
import { createJournal, type Journal } from '../chat/journal.ts';
import { createOutbox, type Outbox } from '../chat/outbox.ts';
import { createStateReader, type State } from '../chat/state.ts';
import { openRedo, putAside, type Redo, SpoiltLog } from '../store/redo.ts';
import { reason } from '../sys/errno.ts';
import type { Lock } from '../sys/lock.ts';
import { type TreeWatch, watchTree } from '../sys/watch.ts';
import { createFormatter } from '../tree/format.ts';
import { tellMisnamed } from '../tree/misnamed.ts';
import { hasSuccessor, isHeld, LOCK, takeOver } from '../tree/takeover.ts';
import type { Feed } from './back-end.ts';
import { createInlet, type SessionInfo } from './inlet.ts';
import { reportKill } from './report-kill.ts';
import { GRACE, type MessagedOptions, PATIENCE } from './run-alone.ts';

export type SessionOptions<Frame> = MessagedOptions<Frame> & {
  /** How long, in seconds, to keep front ends' FIFOs open for a successor when sj has gone. */
  readonly linger: number;
};

/** The file of the redo log. */
const LOG = '.journal';

/** How often, in milliseconds, to try again what a full or broken disk does not allow. */
const AGAIN = 1000;

/** How long, in milliseconds, the disk may take at the end. */
const FINISH = 1000;

/** What there is once the predecessor is gone and the log is read. */
type Runtime<Frame> = {
  state: State;
  journal: Journal;
  conversation: Conversation<Frame>;
  outbox: Outbox;
  lock: Lock;
};

/** Runs until its frames end or it is told to (SIGTERM); or so much longer. Resolves when everything is written. */
export async function runInSession<Frame>(options: SessionOptions<Frame>): Promise<void> {
  const { backEnd, dir, own, fd, out, target, stamp, limits, warn, linger } = options;
  let feed: Feed | undefined;
  let session: SessionInfo | null = null;
  let runtime: Runtime<Frame> | null = null;
  /** Numbers up to this one are of stanzas that were written down by an earlier process. */
  let before = 0;
  /** Front ends are heard. */
  let reading = false;
  let outboxFull = false;
  let journalFull = false;
  let hold = -1;
  const unshown: { from: string; why: string }[] = [];
  /** The rooms that we are in, and our nicks there. */
  const rooms = new Map<string, string>();
  const backlog: { frame: Frame; n: number | null }[] = [];
  let tree: TreeWatch | null = null;
  let met = () => {};
  const meeting = new Promise<void>((resolve) => {
    met = resolve;
  });
  const stop = new AbortController();
  const complained = new Set<string>();

  function complain(what: string): void {
    if (!complained.has(what)) warn(what);
    complained.add(what);
  }

  /** Front ends wait while there is nobody to send to, and as long as we have no room for what they write. */
  function flow(): void {
    if (!reading || outboxFull || journalFull) inboxes.pause();
    else inboxes.resume();
  }

  const batch = createBatcher(() => runtime?.journal.flush());

  const inboxes = createInboxes(
    dir,
    backEnd,
    {
      line(jid, bytes) {
        runtime?.conversation.line(jid, bytes);
        batch.soon();
      },
      misnamed: (name, text) => tellMisnamed(dir, name, createFormatter(stamp).notice(Date.now(), text), text),
      tooLong(jid, head, length) {
        runtime?.conversation.tooLong(jid, head, length);
        batch.soon();
      },
      gone: (jid) => runtime?.conversation.forget(jid),
      warn,
    },
    limits,
  );
  inboxes.pause();

  const inlet = createInlet(out, backEnd.control, {
    session(given) {
      session = given;
      met();
      if (runtime === null) feed?.pause();
      else begin(runtime, given);
    },
    stanza(frame, n) {
      if (runtime === null || session === null) backlog.push({ frame, n });
      else take(runtime, frame, n);
    },
    skipped(from, why) {
      if (runtime === null || session === null) unshown.push({ from, why });
      else runtime.conversation.skipped(from, why);
      batch.soon();
    },
    room(jid, nick, on) {
      if (on) rooms.set(jid, nick);
      else rooms.delete(jid);
    },
    sent: (n) => runtime?.outbox.sent(n),
    refused: (n, why) => runtime?.outbox.refused(n, why),
  });

  function take({ conversation, journal }: Runtime<Frame>, frame: Frame, n: number | null): void {
    // What came before a session began has no number in it, and nobody gives it again.
    if (n === null || n <= 0 || n > before) conversation.take(frame);
    if (n !== null) journal.through(n);
  }

  /** The session is there, and everything that is needed for it. */
  function begin({ state, journal, conversation, outbox }: Runtime<Frame>, { id, past, acked = 0 }: SessionInfo): void {
    const { session, n } = state.position;
    journal.begin(id, past === session ? Math.max(0, n - acked) : 0);
    before = state.position.n;
    holdIn();
    journal.flush();
    outbox.open([...state.intents.values()].map(conversation.frameOf));
    reading = true;
    flow();
  }

  /** While we have it open, who holds DIR/in open does not notice that sj has gone. */
  function holdIn(): void {
    if (linger <= 0 || hold >= 0) return;
    try {
      const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;
      hold = fs.openSync(path.join(dir, 'in'), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    } catch {}
  }

  function createRuntime(lock: Lock, redo: Redo, state: State): Runtime<Frame> {
    const journal = createJournal(
      dir,
      {
        warn,
        full(full) {
          journalFull = full;
          if (full) feed?.pause();
          else feed?.resume();
          flow();
        },
        done: inlet.done,
      },
      { kept: { redo, state }, room: inboxes.room },
    );
    const outbox = createOutbox(out, journal, {
      again: (n) => void out.send(backEnd.control.write({ what: 'again', n })),
      fate: (intent, why) => conversation.fate(intent, why),
      busy: inboxes.ease,
      full(full) {
        outboxFull = full;
        flow();
      },
      soon: batch.soon,
      broken: (error) => complain(`cannot write ${target}: ${error.message}`),
    });
    const { recent } = state;
    const { has, open } = inboxes;
    const { send } = outbox;
    const { soon } = batch;
    const conversation = createConversation({
      dir,
      codec: backEnd,
      own,
      stamp,
      journal,
      recent,
      rooms,
      send,
      has,
      open,
      soon,
      limits,
      warn,
      lang: () => session?.lang,
    });
    out.onDrain(outbox.drained);
    return { state, journal, conversation, outbox, lock };
  }

  /** A log that nobody can have written is put aside, so that messages go on. */
  function openLog(): { redo: Redo; state: State } {
    const reader = createStateReader();
    try {
      const redo = openRedo(dir, LOG, reader);
      return { redo, state: reader.state() };
    } catch (error) {
      if (!(error instanceof SpoiltLog)) throw error;
      putAside(dir, LOG);
      warn(`${path.join(dir, LOG)}: ${error.message}; it is ${LOG}.spoilt now, and a new one begins`);
      return openLog();
    }
  }

  /** @returns null if there is no need any more */
  async function prepare(): Promise<Runtime<Frame> | null> {
    let lock: Lock | null = null;
    for (;;) {
      try {
        lock ??= await takeOver(dir, () => session !== null, stop.signal);
        if (lock === null) return null;
        const { redo, state } = openLog();
        return createRuntime(lock, redo, state);
      } catch (error) {
        complain(
          `cannot open ${path.join(dir, lock === null ? LOCK : LOG)}: ${reason(error)}; messages wait until it can be`,
        );
        if (stop.signal.aborted) {
          lock?.release();
          return null;
        }
        await within(AGAIN, over);
      }
    }
  }

  // A terminal's ^C reaches the whole group, and sj closes our input when it is our turn.
  process.on('SIGINT', () => {});
  const told = new Promise<void>((resolve) => process.on('SIGTERM', resolve));
  const ended = new Promise<void>((resolve) => {
    feed = backEnd.read(
      fd,
      {
        frame(frame, length) {
          inlet.take(frame);
          batch.add(length);
        },
        batchEnd: batch.soon,
        skipped(why, counts) {
          warn(`skipped what cannot be read: ${why}`);
          if (counts) inlet.take(backEnd.control.unreadable());
        },
        end: resolve,
      },
      'messages',
    );
  });
  const over = Promise.race([ended, told]).then(() => stop.abort());
  process.on('SIGHUP', () => tree?.rescan());
  inlet.hello();
  // A FIFO that is open takes lines; what it takes before there is a session would be lost by a kill.
  await Promise.race([meeting, over]);
  if (session !== null) {
    // The watch first, then a look: what is made in between is seen by one of them.
    tree = watchTree(dir, { base: inboxes.look, rescan: () => void inboxes.scan(), warn });
    // Nobody who writes notices that another one reads: all are open before the predecessor closes them.
    if (isHeld(dir)) await inboxes.scan();
  }
  runtime = await prepare();
  if (runtime !== null) {
    for (const { jid, bytes } of runtime.state.begun) inboxes.begin(jid, bytes);
    if (session !== null) begin(runtime, session);
    for (const { frame, n } of backlog.splice(0)) take(runtime, frame, n);
    for (const { from, why } of unshown.splice(0)) runtime.conversation.skipped(from, why);
    runtime.journal.flush();
    feed?.resume();
    // Messages do not wait until thousands of directories have been looked at.
    if (session !== null) void inboxes.scan();
  }

  await over;
  feed?.pause();
  reading = false;
  inboxes.pause();
  inlet.end();
  if (runtime === null) {
    tree?.close();
    inboxes.close();
    await out.end(PATIENCE);
    return;
  }
  for (const { frame, n } of backlog.splice(0)) take(runtime, frame, n);
  const { journal, outbox, lock } = runtime;
  const forGood = inlet.bye && session !== null;
  if (forGood) outbox.last();
  else outbox.shut();
  if (forGood) await drain(runtime);
  else journal.flush();
  await within(PATIENCE, journal.quiet());
  await out.end(PATIENCE);
  const reported = forGood || session === null ? Promise.resolve() : reportKill(dir, own);
  if (!forGood) {
    if (linger > 0 && session !== null) await within(linger * 1000, told);
    // Who takes over finds in the pipes what is there; else the next start finds it in the journal.
    if (hasSuccessor(dir)) inboxes.close();
    else await drain(runtime);
  }
  tree?.close();
  runtime.conversation.close();
  // What the user removes from now on is not to come back from the journal.
  if (!hasSuccessor(dir)) await within(FINISH, journal.finish());
  const lost = journal.close(session === null ? runtime.state.begun : inboxes.begun());
  if (lost > 0) warn(`${lost} bytes could not be written to disk and are lost`);
  if (hold >= 0) fs.closeSync(hold);
  await reported;
  lock.release();

  /** Takes what writers still have to say. */
  async function drain({ journal }: Runtime<Frame>): Promise<void> {
    reading = true;
    flow();
    await inboxes.drain(GRACE);
    journal.flush();
  }
}

/** Waits for something, but not for ever; in milliseconds. */
async function within(limit: number, what: Promise<unknown>): Promise<void> {
  const clock = new AbortController();
  await Promise.race([what, wait(limit, undefined, { signal: clock.signal }).catch(() => {})]);
  clock.abort();
}
