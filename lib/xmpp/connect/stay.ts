/** `xmppc -k`: does what the policy (`keep.ts`) says, with timers, signals, files and sj. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, Fatal } from '../../cli/exit.ts';
import type { Say } from '../../cli/messages.ts';
import { readPassword } from '../../cli/password.ts';
import { createSleepWatch } from '../../cli/slept.ts';
import { hangupEnds } from '../../cli/terminal.ts';
import { reason } from '../../sys/errno.ts';
import { holderOf } from '../../sys/lock.ts';
import { readRegular } from '../../sys/read.ts';
import { accountDir, killedWhile, openAccount, type State, setState } from '../../tree/account.ts';
import { logEvent } from '../../tree/events.ts';
import { LOCK as MESSAGED, terminate } from '../../tree/takeover.ts';
import type { Arguments } from './arguments.ts';
import { type Attempt, attempt, type Outcome } from './attempt.ts';
import { createKeeper, type Happening } from './keep.ts';
import { hasBeenOnline } from './servers.ts';
import { takeSignals } from './signals.ts';
import type { Supervisor } from './supervisor.ts';
import type { Target } from './target.ts';

/** Held for as long as somebody keeps the account of the directory online. */
const LOCK = '.xmppc';

/** How long, in seconds, front ends find somebody to write to between two sessions. */
const LINGER = '600';

/** The longest sleep between two looks at the clocks, in milliseconds. */
const TICK = 10_000;

/** How long, in milliseconds, those who are on their way out may take. */
const LEAVING = 5000;

const now = () => performance.now();

/**
 * Keeps the account online until something says that this is over.
 * @returns the exit code
 * @throws Fatal 100 if the directory is not usable, or somebody else works on it
 */
export async function stayOnline(
  { args, keep, sj }: { args: Arguments; keep: NonNullable<Arguments['keep']>; sj: string },
  supervisor: Supervisor,
  say: Say,
): Promise<number> {
  const dir = accountDir(args.dir);
  // What is unwise each sj says.
  const lock = await openAccount(dir, () => {}, LOCK);
  try {
    const password = sjKnows(args, dir) ? null : await readPassword({ fd: args.password, dir, account: args.account });
    // The sj of one of us that was killed is about to notice it.
    const holder = await gone(dir, '.lock');
    if (holder !== null) throw new Fatal(EXIT.usage, `${dir} is in use by sj, pid ${holder}`);
    if (killedWhile(dir) !== null) (await import('../stream/killed.ts')).tidyAfterKill(dir, args.account, say.warn);
    const code = await tryOn({ args, keep, sj, dir, password }, supervisor, say);
    // A messaged that waits for the next session waits in vain.
    if (terminate(dir) !== null) await gone(dir, MESSAGED);
    return code;
  } finally {
    lock.release();
  }
}

/** Whether sj is to look for the password itself: in the file, each time anew, or not at all where it has a certificate. */
function sjKnows({ password }: Arguments, dir: string): boolean {
  return password === undefined && ['password', 'cert.pem'].some((name) => existsSync(join(dir, name)));
}

type Setting = {
  args: Arguments;
  keep: NonNullable<Arguments['keep']>;
  sj: string;
  dir: string;
  password: string | null;
};

function tryOn({ args, keep, sj, dir, password }: Setting, supervisor: Supervisor, say: Say): Promise<number> {
  const keeper = createKeeper({ ...keep, random: Math.random, known: hasBeenOnline(args) });
  const hangup = hangupEnds() ? 'stop' : 'nudge';
  const linger = process.env.SJ_LINGER || LINGER;
  const slept = createSleepWatch(now(), Date.now());
  let running: Attempt | null = null;
  let shunned: Target[] = [];
  let reached = false;
  /** One of several servers has not been tried, or its failure was temporary. */
  let hopeful = false;
  let timer: NodeJS.Timeout | undefined;
  /** Why we are offline. */
  let why = '';
  /** Nobody has said that on stderr yet. */
  let unsaid = false;

  return new Promise((resolve) => {
    const untake = takeSignals(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM', 'SIGUSR1', 'SIGUSR2'], (signal, typed) => {
      if (signal === 'SIGTERM' || signal === 'SIGINT') happened({ what: 'stop' }, typed);
      else if (signal === 'SIGHUP') happened({ what: hangup });
      else if (signal === 'SIGALRM') happened({ what: 'nudge' });
      else running?.signal(signal);
    });

    function happened(event: Happening, typed = false): void {
      const next = keeper.happened(event, now());
      switch (next?.step) {
        case 'try':
          return begin();
        case 'wait':
          say.warn(`offline: ${why}; next try in ${(next.ms / 1000).toFixed(1)} s`);
          supervisor.status(`offline: ${why}`);
          return wait(now() + next.ms);
        case 'doubt':
          return running?.signal('SIGALRM');
        case 'stop':
          return running?.stop(typed);
        case 'exit':
          clearTimeout(timer);
          untake();
          if (next.code === EXIT.ok) show(dir, 'offline', say);
          else if (unsaid) say.fatal(why);
          return resolve(next.code);
      }
    }

    function begin(): void {
      clearTimeout(timer);
      reached = false;
      show(dir, 'connecting', say);
      const online = () => {
        reached = true;
        happened({ what: 'online' });
        say.info(`online as ${args.account}`);
        supervisor.ready(state(dir));
      };
      running = attempt({ args, sj, password, linger, shunned, say, online });
      void running.ended.then(ended);
    }

    function ended(outcome: Outcome): void {
      running = null;
      const { code, target, others, several } = outcome;
      // Where all have been tried, the next round begins.
      if (reached || !others) shunned = [];
      if (!reached && target !== null) shunned.push(target);
      why = explain(outcome);
      unsaid = outcome.why !== null;
      hopeful = !reached && several && (hopeful || others || code !== EXIT.protocol);
      // A fault of one server says nothing about the others, which may only be away.
      happened({ what: 'lost', code: hopeful && code === EXIT.protocol ? null : code });
      if (!others) hopeful = !reached && several && code !== EXIT.protocol;
    }

    /** Why it ended, in words; the file `state` is to say it, too. */
    function explain({ code, why }: Outcome): string {
      const [, said] = /^failed (.*)/.exec(state(dir)) ?? [];
      if (why === null && said !== undefined) return said;
      const how = why ?? `sj ended with exit code ${code}`;
      if (killedWhile(dir) === 'online') logEvent(dir, 'offline', args.account, how, true);
      show(dir, `failed ${how}`, say);
      return how;
    }

    function wait(until: number): void {
      const left = until - now();
      if (slept(now(), Date.now())) return happened({ what: 'nudge' });
      if (left <= 0) return happened({ what: 'due' });
      timer = setTimeout(() => wait(until), Math.min(left, TICK));
    }

    begin();
  });
}

/** What can't be shown now must not keep us from going on. */
function show(dir: string, what: State, say: Say): void {
  try {
    setState(dir, what);
  } catch (error) {
    say.warn(`cannot write ${join(dir, 'state')}: ${reason(error)}`);
  }
}

function state(dir: string): string {
  try {
    return readRegular(join(dir, 'state')).toString().trimEnd();
  } catch {
    return '';
  }
}

/** Waits until nobody holds a lock. @returns who holds it for too long */
async function gone(dir: string, lock: string): Promise<number | null> {
  for (const end = now() + LEAVING; ; await pause(20)) {
    const holder = holderOf(dir, lock);
    if (holder === null || now() > end) return holder;
  }
}
