/**
 * What goes to the server, in the order that loses nothing: a batch of local programs is kept, so that it outlives a
 * power failure, then sent, and then its programs are told. While it can't be kept, or the server does not take it, local
 * programs wait. What we acknowledge is kept first, too: else the counters of the two sides would part.
 */

import type { Say } from '../../cli/messages.ts';
import { reason } from '../../sys/errno.ts';
import type { LocalPrograms } from './local-programs.ts';
import type { Sent } from './manage.ts';
import type { SessionStore } from './session-store.ts';
import type { Trace } from './trace.ts';

export type Sender = {
  /** Sends what is no stanza, or has been kept before. */
  text(text: string): void;
  /** Waits with everything that follows until all that has been written down is safe. */
  gate(): void;
  /** Sends this, after what has been waiting for the disk, at once: the stream is about to end. */
  last(text: string): void;
  /** Sends a stanza of sj itself, which counts like any other. @throws if it can't be kept */
  stanza(text: string): void;
  /** The end of a batch from local programs or from the server. @throws what `Upkeep` throws */
  batch(): void;
  /** The connection has taken what it held back. */
  drained(): void;
  /** Local programs may go on writing, or have to wait. */
  flow(): void;
  stop(): void;
};

export type SenderConfig = {
  /** The connection: false if more should wait for `drained`. */
  write: (data: string | Buffer) => boolean;
  /** Whether anything that is written can arrive. */
  alive: () => boolean;
  localPrograms: LocalPrograms;
  store: SessionStore;
  /** Runs what a timer has started: what it throws ends the session. */
  guard: (work: () => void) => void;
  trace: Trace;
  say: Say;
};

/** Something on its way: it waits for the disk, and for what is before it. */
type Way = { ready: boolean; gone: boolean; readonly what: string | Buffer; after: (() => void) | null };

type Batch = { lines: Buffer; stanzas: Sent[]; tell: () => void };

/** When, in milliseconds, to try again to keep what could not be kept, and to see whether to acknowledge or to ask. */
const AGAIN = 1000;
const LATER = 1000;

const NOTHING = Buffer.alloc(0);

export function createSender({ write, alive, localPrograms, store, guard, trace, say }: SenderConfig): Sender {
  /** What is to be sent, but can't be kept for now. */
  let unkept: Batch | null = null;
  let sendsFreely = true;
  let complained = false;
  let timer: NodeJS.Timeout | null = null;

  let ways: Way[] = [];
  /** An acknowledgement waits for the disk. */
  let acknowledging = false;
  let stopped = false;

  function put(what: string | Buffer): void {
    if (what.length > 0 && alive() && !write(what)) sendsFreely = false;
  }

  /** Sends from the front what is ready, or all of it. */
  function go(all = false): void {
    let gone = 0;
    while (gone < ways.length && (all || ways[gone]!.ready)) gone++;
    const passed = ways.slice(0, gone);
    ways = ways.slice(gone);
    for (const way of passed) {
      put(way.what);
      way.gone = true;
    }
    for (const { ready, after } of passed) if (ready) after?.();
  }

  /** Sends it once what has been written down until now is safe. @param after called when it is both, if that can be */
  function afterKept(what: string | Buffer, after: (() => void) | null, settled = () => {}): void {
    const way: Way = { ready: false, gone: false, what, after };
    ways.push(way);
    store.kept((error) => {
      if (stopped) return;
      if (error !== null) {
        // It counts, so it has to be sent; but nobody is told that it was.
        say.warn(`cannot keep what is sent: ${reason(error)}`);
        way.after = null;
      }
      way.ready = true;
      settled();
      if (way.gone) way.after?.();
      else go();
    });
  }

  function text(what: string): void {
    if (!alive() || what === '') return;
    trace('sent', what);
    if (ways.length === 0) put(what);
    else ways.push({ ready: true, gone: false, what, after: null });
  }

  function next(): Batch | null {
    const parts: Buffer[] | undefined = store.managed ? [] : undefined;
    const lines = localPrograms.take(parts) ?? NOTHING;
    if (lines.length === 0 && !localPrograms.hasUnconfirmed) return null;
    const time = Date.now();
    return { lines, stanzas: parts?.map((bytes) => ({ bytes, time })) ?? [], tell: localPrograms.taken() };
  }

  function batch(): void {
    unkept ??= next();
    if (unkept !== null) send(unkept);
    acknowledge();
    if (store.pending) later(LATER);
  }

  /**
   * However often the server asks, one acknowledgement is on its way, and none is made while the server does not take
   * what we send: the next one tells it all.
   */
  function acknowledge(): void {
    if (acknowledging || !sendsFreely || !alive()) return;
    const what = store.due(performance.now());
    if (what === '') return;
    trace('sent', what);
    acknowledging = true;
    afterKept(what, null, () => {
      acknowledging = false;
      guard(acknowledge);
    });
  }

  function send({ lines, stanzas, tell }: Batch): void {
    try {
      store.sent(stanzas);
    } catch (error) {
      if (!complained) say.warn(`cannot keep what is to be sent, so it waits: ${reason(error)}`);
      complained = true;
      later(AGAIN);
      return flow();
    }
    unkept = null;
    complained = false;
    if (alive() || store.managed) {
      afterKept(lines, () => {
        tell();
        localPrograms.flush();
        flow();
      });
    }
    flow();
  }

  function later(time: number): void {
    timer ??= setTimeout(() => {
      timer = null;
      guard(batch);
    }, time);
  }

  function flow(): void {
    localPrograms.flow(sendsFreely && unkept === null && !store.full);
  }

  return {
    text,
    gate: () => afterKept('', null),
    last(what) {
      text(what);
      go(true);
    },
    stanza(what) {
      store.sent([{ bytes: Buffer.from(what), time: Date.now() }]);
      trace('sent', what);
      afterKept(what, null);
    },
    batch,
    drained() {
      sendsFreely = true;
      guard(acknowledge);
      flow();
    },
    flow,
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
