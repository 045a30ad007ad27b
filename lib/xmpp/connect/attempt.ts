/** One try of `xmppc -k`: finding the server, connecting, and sj on the connection, until that has ended. */
import type { ChildProcess } from 'node:child_process';
import type { Duplex, Writable } from 'node:stream';
import { Fatal } from '../../cli/exit.ts';
import type { Say } from '../../cli/messages.ts';
import { reason } from '../../sys/errno.ts';
import type { Arguments } from './arguments.ts';
import { dial } from './dial.ts';
import { handOver } from './handover.ts';
import { same, servers } from './servers.ts';
import type { Target } from './target.ts';

export type AttemptOptions = {
  args: Arguments;
  /** The program. */
  sj: string;
  /** The password; null: sj finds it by itself. */
  password: string | null;
  /** How long, in seconds, messaged keeps front ends waiting for the next session. */
  linger: string;
  /** Targets to try last: since the account was online, they took the connection, and that was all. */
  shunned: readonly Target[];
  say: Say;
  /** The account is online. */
  online: () => void;
};

export type Attempt = {
  ended: Promise<Outcome>;
  /** Passes a signal on to sj, if it is running. */
  signal(name: NodeJS.Signals): void;
  /** Gives it up, or lets sj end in order. @param typed sj knows already */
  stop(typed: boolean): void;
};

export type Outcome = {
  /** The exit code; null: there is none. */
  code: number | null;
  /** What went wrong where nobody has said it yet; null: sj has. */
  why: string | null;
  /** What sj was connected to. */
  target: Target | null;
  /** There are targets that have not been tried since the account was online. */
  others: boolean;
  /** There is more than one target. */
  several: boolean;
};

/** The descriptors of sj: see `-n`, `-e` and `-p` in sj(1). */
const FD = { ready: 3, leash: 4, password: 5 } as const;

export function attempt(options: AttemptOptions): Attempt {
  const stop = new AbortController();
  let child: ChildProcess | null = null;

  async function run(): Promise<Outcome> {
    const { args, sj, password, linger, shunned, say } = options;
    let target: Target | null = null;
    let others = false;
    let several = false;
    try {
      const targets = last(await servers(args, say, stop.signal), shunned);
      const dialed = await dial(args.domain, targets, stop.signal);
      target = dialed.target;
      several = targets.length > 1;
      others = targets.slice(targets.indexOf(target) + 1).some((one) => !shunned.some((other) => same(one, other)));
      const argv = [...args.sj, '-n', `${FD.ready}`, '-e', `${FD.leash}`];
      if (password !== null) argv.push('-p', `${FD.password}`);
      if (target.tls) argv.push('-x');
      const { NOTIFY_SOCKET: _, ...env } = process.env;
      const running = handOver(
        sj,
        argv,
        dialed,
        Object.values(FD).map((fd) => [fd, fd === FD.password && password === null ? 'inherit' : 'pipe']),
        { ...env, SJ_LINGER: linger },
      );
      child = running.child;
      attach(child, password);
      const how = await running.ended;
      const code = typeof how === 'number' ? how : null;
      return { code, why: code === null ? `sj was killed by ${how}` : null, target, others, several };
    } catch (error) {
      return { code: error instanceof Fatal ? error.code : null, why: reason(error), target, others, several };
    }
  }

  function attach(child: ChildProcess, password: string | null): void {
    const stdio: readonly unknown[] = child.stdio;
    const ready = stdio[FD.ready] as Duplex;
    // Nothing ever goes over the leash; that it ends when we do is all.
    for (const stream of [ready, stdio[FD.leash] as Duplex]) stream.on('error', () => {});
    ready.on('data', (bytes: Buffer) => {
      if (!bytes.includes('\n')) return;
      ready.destroy();
      options.online();
    });
    if (password === null) return;
    const way = stdio[FD.password] as Writable;
    way.on('error', () => {});
    way.end(`${password}\n`);
  }

  return {
    ended: run(),
    signal: (name) => void child?.kill(name),
    stop(typed) {
      stop.abort();
      if (!typed) child?.kill('SIGTERM');
    },
  };
}

function last(targets: readonly Target[], shunned: readonly Target[]): Target[] {
  const isShunned = (target: Target) => shunned.some((one) => same(target, one));
  return [...targets.filter((target) => !isShunned(target)), ...targets.filter(isShunned)];
}
