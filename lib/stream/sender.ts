/**
 * What goes to the server, in the order that loses nothing: a batch of local programs is kept, then sent, then its
 * programs are told. While it can't be kept, or the server does not take it, local programs wait.
 */
import { reason, type Say } from '../cli/die.ts';
import type { Locals } from './locals.ts';
import type { Sent } from './manage.ts';
import type { Trace } from './trace.ts';
import type { Upkeep } from './upkeep.ts';

export type Sender = {
  /** Sends what is no stanza. */
  text(text: string): void;
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
  locals: Locals;
  upkeep: Upkeep;
  /** Runs what a timer has started: what it throws ends the session. */
  guard: (work: () => void) => void;
  trace: Trace;
  say: Say;
};

type Batch = { lines: Buffer; stanzas: Sent[]; tell: () => void };

/** When, in milliseconds, to try again to keep what could not be kept, and to see whether to acknowledge or to ask. */
const AGAIN = 1000;
const LATER = 1000;

const NOTHING = Buffer.alloc(0);

export function createSender({ write, alive, locals, upkeep, guard, trace, say }: SenderConfig): Sender {
  /** What is to be sent, but can't be kept for now. */
  let unkept: Batch | null = null;
  let sendsFreely = true;
  let complained = false;
  let timer: NodeJS.Timeout | null = null;

  function text(what: string): void {
    if (!alive() || what === '') return;
    trace('sent', what);
    write(what);
  }

  function next(): Batch | null {
    const parts: Buffer[] | undefined = upkeep.managed ? [] : undefined;
    const lines = locals.take(parts) ?? NOTHING;
    if (lines.length === 0 && !locals.untold) return null;
    const time = Date.now();
    return { lines, stanzas: parts?.map((bytes) => ({ bytes, time })) ?? [], tell: locals.taken() };
  }

  function batch(): void {
    unkept ??= next();
    if (unkept !== null) send(unkept);
    if (alive()) text(upkeep.due(performance.now()));
    if (upkeep.pending) later(LATER);
  }

  function send({ lines, stanzas, tell }: Batch): void {
    try {
      upkeep.sent(stanzas);
    } catch (error) {
      if (!complained) say.warn(`cannot keep what is to be sent, so it waits: ${reason(error)}`);
      complained = true;
      later(AGAIN);
      return flow();
    }
    unkept = null;
    complained = false;
    if (alive() && lines.length > 0 && !write(lines)) sendsFreely = false;
    if (alive() || upkeep.managed)
      upkeep.kept((error) => {
        if (error !== null) return say.warn(`cannot keep what is sent: ${reason(error)}`);
        tell();
        locals.flush();
      });
    flow();
  }

  function later(time: number): void {
    timer ??= setTimeout(() => {
      timer = null;
      guard(batch);
    }, time);
  }

  function flow(): void {
    locals.flow(sendsFreely && unkept === null && !upkeep.full);
  }

  return {
    text,
    stanza(what) {
      upkeep.sent([{ bytes: Buffer.from(what), time: Date.now() }]);
      text(what);
    },
    batch,
    drained() {
      sendsFreely = true;
      flow();
    },
    flow,
    stop() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
