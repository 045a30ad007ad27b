/**
 * What iqd does, from its start to its end. As a part of a session of sj it says what it has dealt with, and keeps in
 * `.iqs` who may see own presence, and which stanzas it need not take again when the session goes on.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Element } from 'ltx';
import { createConfirmations, type Fate } from '../../session/confirmations.ts';
import { AGAIN, createDaemonSession } from '../../session/daemon.ts';
import type { Notes } from '../../store/notes.ts';
import { createComplaints } from '../../sys/complaints.ts';
import { reason } from '../../sys/errno.ts';
import type { Outlet } from '../../sys/outlet.ts';
import { logEvent } from '../../tree/events.ts';
import { type Feed, readStanzas } from '../../xml/feed.ts';
import type { Limits } from '../../xml/limits.ts';
import { canonical } from '../../xml/write.ts';
import { CONTROL, unreadable } from '../codec/control.ts';
import { createAudience } from './audience.ts';
import { createDelivery } from './deliver.ts';
import type { RunLimits } from './program.ts';
import type { QueueLimits } from './queue.ts';
import { createIqd } from './requests.ts';
import { createTally } from './tally.ts';

export type RunOptions = {
  /** The account directory, and where the shipped handlers are. */
  readonly dir: string;
  readonly shipped: string;
  /** The descriptor that stanzas come from; where they are sent to, and its name. */
  readonly fd: number;
  readonly out: Outlet;
  readonly target: string;
  /** The own JID, if known. */
  readonly own: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Whether sj keeps account of what it hands out. */
  readonly ack: boolean;
  /** Of what is read; of each run of a handler, and of all together. */
  readonly limits: Limits;
  readonly run: RunLimits;
  readonly queue: QueueLimits;
  readonly bareOf: (jid: string) => string | null;
  readonly warn: (message: string) => void;
};

/** What is still on its way at the end of the input gets so many milliseconds. */
const HANDLERS_END = 1500;
const ANSWERS_END = 1000;
const SENDING_END = 500;
/** Under sj, which kills its daemons after 1100 ms: iqd has to end its handlers first, or they outlive it. */
export const UNDER_SJ = { work: 450, sending: 150 };

/** So many milliseconds at most a stanza holds back what is said to be dealt with. */
const LIMIT = 10_000;

/** So many stanzas that were dealt with are remembered. */
const MOST_DEALT = 512;

/** Runs until its stanzas end or it is told to (SIGTERM). */
export async function runIqd(options: RunOptions): Promise<void> {
  const { dir, fd, out, target, own, ack, bareOf, warn } = options;
  const confirmations = createConfirmations();
  let feed: Feed | undefined;
  let notes: Notes | null = null;
  /** Everything through this number is dealt with. */
  let through = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  const dealt = new Set<string>();
  /** What came: of a large stanza the tree has only the head. */
  const texts = new WeakMap<Element, Buffer>();

  const delivery = createDelivery(dir, (id, why) => {
    warn(`dropped the answer ${id}: ${why}`);
    logEvent(dir, 'error', '', `answer ${id}: ${why}`);
  });
  const audience = createAudience({ dir, own, bareOf });
  const iqd = createIqd({ ...options, delivery, audience, send });
  const tally = createTally((n) => {
    through = n;
    timer ??= setTimeout(settle, 0);
  }, LIMIT);

  const part = createDaemonSession(out, CONTROL, path.join(dir, '.iqs'), createComplaints(warn), {
    begin(opened) {
      notes = opened;
      audience.remember(opened);
      for (const hash of opened.known?.groups.get('dealt')?.keys() ?? []) dealt.add(hash);
    },
    stanza: take,
    sent: confirmations.sent,
    refused: confirmations.refused,
    shown(to, on) {
      audience.shown(to, on);
      timer ??= setTimeout(settle, 0);
    },
    hold(on) {
      if (on) feed?.pause();
      else feed?.resume();
    },
  });

  function send(line: string, fate: Fate): void {
    if (ack) confirmations.post(fate);
    if (!out.send(line)) feed?.pause();
    if (!ack) fate(null);
  }

  function take(element: Element, n: number | null, again: boolean): void {
    const text = texts.get(element) ?? Buffer.from(canonical(element));
    const done = n === null ? () => {} : tally.open(n);
    const hash = createHash('sha256').update(text).digest('base64');
    if (again && dealt.has(hash)) return done();
    iqd.stanza(element, text, () => {
      if (n !== null) remember(hash);
      done();
    });
  }

  function remember(hash: string): void {
    dealt.add(hash);
    notes?.set('dealt', hash, 1);
    if (dealt.size <= MOST_DEALT) return;
    const oldest = dealt.values().next().value!;
    dealt.delete(oldest);
    notes?.remove('dealt', oldest);
  }

  function settle(): void {
    timer = null;
    if (!part.done(through)) timer = setTimeout(settle, AGAIN);
  }

  out.onError((error) => warn(`cannot write ${target}: ${reason(error)}`));
  out.onDrain(() => feed?.resume());
  // A terminal's ^C reaches the whole group, and sj closes our input when it is our turn.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  if (ack) part.hello();
  await new Promise<void>((end) => {
    process.on('SIGTERM', end);
    feed = readStanzas(
      fd,
      {
        stanza(element, raw) {
          if (!ack) return iqd.stanza(element, raw);
          texts.set(element, Buffer.from(raw));
          part.take(element);
        },
        batchEnd: () => {},
        skipped(why, counts) {
          warn(`skipped what is no stanza: ${why}`);
          if (ack && counts) part.take(unreadable());
        },
        end,
      },
      options.limits,
    );
  });
  // Nothing makes it go on any more.
  const input: Feed | undefined = feed;
  feed = undefined;
  input?.pause();
  if (ack) part.end();
  const again = ack && !part.bye;
  const [handlers, answers, sending] = ack
    ? [UNDER_SJ.work, UNDER_SJ.work, UNDER_SJ.sending]
    : [HANDLERS_END, ANSWERS_END, SENDING_END];
  await Promise.all([iqd.drain(handlers, again), delivery.drain(answers, again)]);
  tally.close();
  if (timer !== null) clearTimeout(timer);
  settle();
  if (timer !== null) clearTimeout(timer);
  await out.end(sending);
}
