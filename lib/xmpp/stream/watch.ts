/** The clock of a session: looks whether the server is still there, and whether it should hear something of us. */
import { createSleepWatch } from '../../cli/slept.ts';
import { createIdleness, NOTHING_ANNOUNCED } from './announced.ts';
import { createLiveness } from './liveness.ts';

export type Watch = {
  /** Something has come from the server; something has gone to it. */
  heard(): void;
  wrote(): void;
  /** The network may have changed. */
  doubt(): void;
  /** The server takes a client for gone after so many milliseconds of silence. */
  idle(limit: number): void;
  stop(): void;
};

export type WatchEvents = {
  /** Whether we do not listen: then silence says nothing. */
  paused(): boolean;
  /** The server has been silent for too long; nothing more is looked at. */
  dead(): void;
  /** It is to be asked for a sign of life. */
  ask(): void;
  /** It is to hear something. */
  speak(): void;
};

/** The longest sleep between two looks at the clocks, in milliseconds. */
const TICK = 10_000;

const now = () => performance.now();

/** @param limit the longest silence of the server, in milliseconds */
export function createWatch(limit: number, on: WatchEvents): Watch {
  const liveness = createLiveness(limit, now());
  const slept = createSleepWatch(now(), Date.now());
  let idleness = createIdleness(NOTHING_ANNOUNCED.idle, now());
  let stopped = false;
  let timer = setTimeout(look, 0);

  function look(): void {
    clearTimeout(timer);
    if (stopped) return;
    const mono = now();
    if (slept(mono, Date.now())) liveness.doubt(mono);
    if (on.paused()) liveness.heard(mono);
    const { verdict, next } = liveness.check(mono);
    if (verdict === 'dead') return on.dead();
    if (verdict === 'ask') on.ask();
    const silence = idleness.check(mono);
    if (silence.speak) on.speak();
    timer = setTimeout(look, Math.ceil(Math.min(next, silence.next, TICK)));
  }

  return {
    heard: () => liveness.heard(now()),
    wrote: () => idleness.wrote(now()),
    doubt() {
      liveness.doubt(now());
      look();
    },
    idle(given) {
      idleness = createIdleness(given, now());
      look();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
