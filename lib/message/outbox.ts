/** Lines on their way to sj: kept in the journal until sj has taken them, and shown only then. */
import type { Outlet } from '../files/outlet.ts';
import { controlText } from '../stream/control.ts';
import type { Journal } from './journal.ts';
import type { Intent } from './state.ts';

/** A line as it is sent; told what became of it: null, or why it is not going to be sent. */
export type Letter = { readonly intent: Intent; readonly stanza: string; readonly fate: (why: string | null) => void };

export type Outbox = {
  /** Takes a new line; it leaves once it is written down. */
  send(letter: Letter): void;
  /** sj is there: everything leaves. @param again how many of the first may have been taken before */
  open(letters: readonly Letter[]): void;
  /** The way to sj has room again. */
  drained(): void;
  /** sj has taken the first `n` stanzas. */
  sent(n: number): void;
  refused(n: number, reason: string): void;
  /** No more is told: what the system takes counts as taken, and what it does not is refused. */
  last(): void;
  /** Nothing leaves any more; what is not taken stays in the journal for the next start. */
  shut(): void;
};

export type OutboxEvents = {
  /** So much is on its way that no more should be read; false: it may again. */
  full(full: boolean): void;
  /** There is something to write down. */
  soon(): void;
  /** sj is not there any more. */
  broken(error: Error): void;
};

/** So many lines, and characters of them, may be on their way. */
const MOST = { lines: 10_000, text: 4 * 1_048_576 };

type Way = { readonly letter: Letter; out: Error | null | undefined; done: boolean };

export function createOutbox(
  out: Pick<Outlet, 'send'>,
  journal: Pick<Journal, 'intend' | 'settle' | 'after'>,
  on: OutboxEvents,
): Outbox {
  /** What was sent and is not settled, oldest first; the number of the first. */
  let ways: Way[] = [];
  let first = 1;
  /** How many at the beginning are settled. */
  let head = 0;
  let text = 0;
  let phase: 'waiting' | 'open' | 'last' | 'shut' = 'waiting';
  let full = false;
  let drained = true;

  function flow(): void {
    const now = !drained || ways.length - head > MOST.lines || text > MOST.text;
    if (now !== full) on.full((full = now));
  }

  function leave(letter: Letter): void {
    if (phase !== 'open' && phase !== 'last') return;
    const way: Way = { letter, out: undefined, done: false };
    ways.push(way);
    text += letter.stanza.length;
    drained = out.send(letter.stanza, (error) => {
      way.out = error;
      if (error !== null && phase === 'open') on.broken(error);
      if (phase === 'last') byOutlet();
    });
    flow();
  }

  function settle(way: Way, why: string | null): void {
    if (way.done) return;
    way.done = true;
    text -= way.letter.stanza.length;
    journal.settle(way.letter.intent.id);
    way.letter.fate(why);
    on.soon();
  }

  /** Drops what is settled at the beginning. */
  function trim(): void {
    while (head < ways.length && ways[head]!.done) head++;
    if (head > 64 && head * 2 > ways.length) {
      ways = ways.slice(head);
      first += head;
      head = 0;
    }
    flow();
  }

  function byOutlet(): void {
    for (let i = head; i < ways.length && ways[i]!.out !== undefined; i++)
      settle(ways[i]!, ways[i]!.out === null ? null : 'offline');
    trim();
  }

  return {
    send(letter) {
      journal.intend(letter.intent);
      journal.after(() => leave(letter));
      on.soon();
    },
    open(letters) {
      phase = 'open';
      if (letters.length > 0) out.send(controlText({ what: 'again', n: letters.length }));
      for (const letter of letters) leave(letter);
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
    },
  };
}
