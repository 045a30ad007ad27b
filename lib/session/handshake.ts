/**
 * Daemons that may yet say hello. One that does tells by itself what it has dealt with; for one that does not, such as a
 * script in its place, it is enough that its pipe has it, but that is known only after a while.
 */
import type { Daemon } from './daemons.ts';

export type Handshake<D extends Daemon = Daemon> = {
  /** The daemons can be answered now. */
  open(): void;
  /** The daemon has said hello. */
  said(daemon: D): void;
  /** A pipe has taken all of a daemon's stanzas up to this number. */
  piped(daemon: D, n: number): void;
  /** Calls once the daemon has said hello, or is not going to; at the end nobody waits long for that. */
  after(daemon: D, call: () => void): void;
  /** Nothing more will be heard of anybody. */
  close(): void;
};

/** A daemon that knows of all this says so within so many milliseconds, and at the end, when it has just been started. */
const HELLO = 10_000;
const LAST = 400;

/** @param done told of daemons for which it is enough that their pipe has it */
export function createHandshake<D extends Daemon>(done: (daemon: D, n: number) => void): Handshake<D> {
  const inPipe = new Map<D, number>();
  const waiting = new Map<D, () => void>();
  let patience: NodeJS.Timeout | null = null;

  function answer(daemon: D): void {
    const call = waiting.get(daemon);
    waiting.delete(daemon);
    call?.();
  }

  function close(): void {
    if (patience !== null) clearTimeout(patience);
    patience = null;
  }

  return {
    open() {
      patience = setTimeout(() => {
        patience = null;
        for (const [daemon, n] of inPipe) done(daemon, n);
        inPipe.clear();
      }, HELLO).unref();
    },
    said(daemon) {
      inPipe.delete(daemon);
      answer(daemon);
    },
    piped(daemon, n) {
      if (daemon.tells) return;
      if (patience === null) done(daemon, n);
      else inPipe.set(daemon, n);
    },
    after(daemon, call) {
      if (patience === null || daemon.tells || !daemon.running) return call();
      waiting.set(daemon, call);
      setTimeout(answer, LAST, daemon);
    },
    close,
  };
}
