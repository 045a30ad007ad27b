/**
 * When to try again: the policy of `xmppc -k`, pure. It is fed with what happens, and says what to do; who feeds it has
 * the clock, the timer, the connection and sj.
 */
import { EXIT } from '../../cli/exit.ts';

export type Happening =
  /** The account is online. */
  | { what: 'online' }
  /** The try has failed, or the session has ended; with the exit code, which is null if there is none. */
  | { what: 'lost'; code: number | null }
  /** The wait is over. */
  | { what: 'due' }
  /** The network may have changed, or the machine was suspended. */
  | { what: 'nudge' }
  /** Whoever runs us wants an end. */
  | { what: 'stop' };

export type Step =
  /** Connect, and run sj. */
  | { step: 'try' }
  /** Wait so many milliseconds, which may be none, before `due`. */
  | { step: 'wait'; ms: number }
  /** The running sj shall doubt its link. */
  | { step: 'doubt' }
  /** What is running shall end in order; `lost` is waited for. */
  | { step: 'stop' }
  | { step: 'exit'; code: number };

export type KeepOptions = {
  /** The wait after the first loss and the longest one, in milliseconds. */
  first: number;
  most: number;
  /** A number of [0, 1). */
  random: () => number;
  /** The account has been online before we started. */
  known?: boolean;
};

export type Keeper = {
  /** The first thing to do is to try. @param now a monotonic clock in milliseconds */
  happened(event: Happening, now: number): Step | null;
};

/** A session that was online for so long, in milliseconds, has held: what was wrong before is over. */
export const HELD = 10_000;

/** Exit codes after which the next try would end in the same way. */
const FINAL: readonly number[] = [EXIT.ok, EXIT.refused, EXIT.usage];

/**
 * The wait doubles with every loss. Of the wait that is due, the second half is left to chance: a server that comes back
 * is not to meet all its users at the same moment (RFC 6120 section 3.3).
 *
 * 76 (the certificate is not good, the protocol was broken) is final unless the account has been online, now or in an
 * earlier run: then the server is the right one, and somebody who answers in its place, such as the portal of a hotel,
 * will go, but not within seconds.
 */
export function createKeeper({ first, most, random, known = false }: KeepOptions): Keeper {
  let state: 'trying' | 'online' | 'waiting' | 'stopping' | 'over' = 'trying';
  let losses = 0;
  let been = known;
  let since = 0;
  /** The network has changed while we were trying, perhaps too late for this try. */
  let eager = false;

  function lost(code: number | null, now: number): Step {
    const wasOnline = state === 'online';
    if (code !== null && (FINAL.includes(code) || (code === EXIT.protocol && !been))) {
      state = 'over';
      return { step: 'exit', code };
    }
    state = 'waiting';
    if (eager) {
      eager = false;
      return { step: 'wait', ms: 0 };
    }
    if (wasOnline && now - since >= HELD) losses = 0;
    const due = code === EXIT.protocol ? most : Math.min(most, first * 2 ** losses);
    losses++;
    return { step: 'wait', ms: due * (1 - random() / 2) };
  }

  return {
    happened(event, now) {
      if (state === 'over') return null;
      switch (event.what) {
        case 'online':
          if (state !== 'trying') return null;
          state = 'online';
          been = true;
          since = now;
          eager = false;
          return null;
        case 'lost':
          if (state === 'waiting') return null;
          if (state !== 'stopping') return lost(event.code, now);
          state = 'over';
          return { step: 'exit', code: EXIT.ok };
        case 'nudge':
          if (state === 'trying') eager = true;
          if (state !== 'waiting') return state === 'stopping' ? null : { step: 'doubt' };
          state = 'trying';
          // A try out of turn: if it fails, too, the next one is where it would have been.
          losses = Math.max(0, losses - 1);
          return { step: 'try' };
        case 'due':
          if (state !== 'waiting') return null;
          state = 'trying';
          return { step: 'try' };
        case 'stop':
          if (state === 'waiting') {
            state = 'over';
            return { step: 'exit', code: EXIT.ok };
          }
          state = 'stopping';
          return { step: 'stop' };
      }
    },
  };
}
