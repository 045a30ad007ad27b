/** Lines on their way to sj: kept in the journal until sj has taken them, and shown only then. */

import type { Outlet } from '../sys/outlet.ts';
import type { Journal } from './journal.ts';
import type { Intent } from './state.ts';

/** A line as it is sent. */
export type OutgoingFrame = { readonly intent: Intent; readonly frame: string };

export type Outbox = {
  /** Takes a new line; it leaves once it is written down. */
  send(frame: OutgoingFrame): void;
  /** sj is there: everything leaves. @param again how many of the first may have been taken before */
  open(frames: readonly OutgoingFrame[]): void;
  /** The way to sj has room again. */
  drained(): void;
  /** sj has taken the first `n` frames. */
  sent(n: number): void;
  refused(n: number, reason: string): void;
  /** No more is told: what the system takes counts as taken, and what it does not is refused. */
  last(): void;
  /** Nothing leaves any more; what is not taken stays in the journal for the next start. */
  shut(): void;
};

export type OutboxEvents = {
  /** So many of the frames that leave next may have been taken before: sj is to be told first. */
  again(n: number): void;
  /** What became of a line: null, or why it is not going to be sent. */
  fate(intent: Intent, why: string | null): void;
  /** Enough is on its way that those who write much should wait; false: they need not. */
  busy(busy: boolean): void;
  /** So much is on its way that nothing should be read: what is read is kept in memory; false: it may again. */
  full(full: boolean): void;
  /** There is something to write down. */
  soon(): void;
  /** sj is not there any more. */
  broken(error: Error): void;
};

/**
 * So many lines, and characters of them, are enough that nobody waits for the other side, and so few that they are not
 * yet old for the engine when they are done with, which then costs half as much.
 */
const ENOUGH = { lines: 2000, text: 1_048_576 };
const MOST = { lines: 10_000, text: 4 * 1_048_576 };

type Way = { readonly intent: Intent; readonly size: number; out: Error | null | undefined; done: boolean };

export function createOutbox(
  out: Pick<Outlet, 'send'>,
  journal: Pick<Journal, 'intend' | 'settle' | 'after'>,
  on: OutboxEvents,
): Outbox {
  /** What is to leave when it is written down. */
  let waiting: OutgoingFrame[] = [];
  /** What was sent and is not settled, oldest first; the number of the first. */
  let ways: Way[] = [];
  let first = 1;
  /** How many at the beginning are settled; and how many the outlet has told of. */
  let head = 0;
  let told = 0;
  let text = 0;
  let phase: 'waiting' | 'open' | 'last' | 'shut' = 'waiting';
  let busy = false;
  let full = false;
  let drained = true;

  function flow(): void {
    // What is read at the end goes no further than into the journal.
    if (phase === 'shut') return;
    const lines = waiting.length + ways.length - head;
    const [enough, most] = [
      !drained || lines > ENOUGH.lines || text > ENOUGH.text,
      lines > MOST.lines || text > MOST.text,
    ];
    if (enough !== busy) on.busy((busy = enough));
    if (most !== full) on.full((full = most));
  }

  /** Told of each line, in the order in which they left. */
  function passed(error: Error | null): void {
    ways[told++]!.out = error;
    if (error !== null && phase === 'open') on.broken(error);
    if (phase === 'last') byOutlet();
  }

  function leave({ intent, frame }: OutgoingFrame): void {
    ways.push({ intent, size: frame.length, out: undefined, done: false });
    drained = out.send(frame, passed);
  }

  function written(): void {
    const frames = waiting;
    waiting = [];
    if (phase === 'open' || phase === 'last') for (const frame of frames) leave(frame);
    else for (const { frame } of frames) text -= frame.length;
    flow();
  }

  function settle(way: Way, why: string | null): void {
    if (way.done) return;
    way.done = true;
    text -= way.size;
    journal.settle(way.intent.id);
    on.fate(way.intent, why);
    on.soon();
  }

  /** Drops what is settled at the beginning. */
  function trim(): void {
    while (head < ways.length && ways[head]!.done) head++;
    const gone = Math.min(head, told);
    if (gone > 64 && gone * 2 > ways.length) {
      ways = ways.slice(gone);
      first += gone;
      head -= gone;
      told -= gone;
    }
    flow();
  }

  function byOutlet(): void {
    for (let i = head; i < ways.length && ways[i]!.out !== undefined; i++)
      settle(ways[i]!, ways[i]!.out === null ? null : 'offline');
    trim();
  }

  return {
    send(frame) {
      journal.intend(frame.intent);
      if (waiting.length === 0) journal.after(written);
      waiting.push(frame);
      text += frame.frame.length;
      on.soon();
      flow();
    },
    open(frames) {
      phase = 'open';
      if (frames.length > 0) on.again(frames.length);
      for (const frame of frames) {
        text += frame.frame.length;
        leave(frame);
      }
      flow();
    },
    drained() {
      drained = true;
      flow();
    },
    sent(n) {
      for (let i = head; i < ways.length && first + i <= n; i++) settle(ways[i]!, null);
      trim();
    },
    refused(n, reason) {
      const way = ways[n - first];
      if (way !== undefined) settle(way, reason);
      trim();
    },
    last() {
      if (phase === 'shut') return;
      phase = 'last';
      byOutlet();
    },
    shut() {
      phase = 'shut';
      if (busy) on.busy((busy = false));
      if (full) on.full((full = false));
    },
  };
}
