/** A program under test, as a child process with all that is needed to judge it. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Duplex, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Place } from './place.ts';

export const BIN = path.resolve(import.meta.dirname, '../../bin');
const HOOK = path.join(import.meta.dirname, 'hook.cjs');

/** How long anything may take, in milliseconds: the machine may be busy. Less where it is known to be in vain. */
export let PATIENCE = 30_000;
export function hurry(): void {
  PATIENCE = 4000;
}

export type Job = {
  readonly child: ChildProcess;
  readonly pid: number;
  err(): string;
  /** Exit code or signal; null while it runs. */
  readonly ended: number | string | null;
  stream(fd: number): Duplex;
  readonly stdin: Writable;
  /** Waits for its end; null if it does not come. */
  end(limit?: number): Promise<number | string | null>;
  kill(): void;
};

export type JobOptions = {
  stdio: StdioOptions;
  env?: NodeJS.ProcessEnv;
  /** A command that runs it, and leaves it its pid. */
  through?: readonly string[];
  uid?: number;
  gid?: number;
};

const running = new Set<number>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.on('exit', () => {
  for (const pid of running) killGroup(pid);
});

export function startJob(
  place: Place,
  argv: readonly string[],
  { stdio, env = {}, through = [], ...user }: JobOptions,
): Job {
  const [command, ...args] = [...through, path.join(BIN, argv[0]!), ...argv.slice(1)];
  const { PATH = '', HOME, LANG } = process.env;
  const child = spawn(command!, args, {
    ...user,
    stdio,
    cwd: place.root,
    detached: true,
    env: {
      ...{ PATH, HOME, LANG, TZ: 'UTC', FUZZ_REPORT: place.report, NODE_OPTIONS: `--require ${HOOK}` },
      // Probes come faster than any stranger may.
      SJ_LIMITS: 'new=1000000 flood=1000000000',
      ...env,
    },
  });
  const pid = child.pid!;
  running.add(pid);
  let said = '';
  let ended: number | string | null = null;
  let closed = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 1e6) said += text;
  });
  for (const stream of child.stdio) stream?.on('error', () => {});
  child.on('exit', (code, signal) => {
    ended = code ?? signal ?? 'nothing';
  });
  child.on('close', () => {
    closed = true;
  });
  return {
    child,
    pid,
    err: () => said,
    get ended() {
      return ended;
    },
    stream: (fd) => child.stdio[fd as 1] as unknown as Duplex,
    get stdin() {
      return child.stdin as Writable;
    },
    async end(limit = PATIENCE) {
      await until(() => ended !== null, limit);
      // Its last words may still be on their way.
      if (ended !== null) await until(() => closed, 2000);
      return ended;
    },
    kill() {
      killGroup(pid);
      running.delete(pid);
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}

/** @returns whether it came true in time */
export async function until(look: () => boolean, limit = PATIENCE, step = 5): Promise<boolean> {
  for (const end = performance.now() + limit; ; ) {
    if (look()) return true;
    if (performance.now() > end) return false;
    await pause(step);
  }
}

/** The processes of a group that are alive: pid and name. */
export function group(leader: number): { pid: number; name: string }[] {
  const found: { pid: number; name: string }[] = [];
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const [, name, rest] = /^\d+ \((.*)\) (.*)/s.exec(read(`/proc/${entry}/stat`)) ?? [];
    const [state, , its] = rest?.split(' ') ?? [];
    if (Number(its) === leader && state !== 'Z') found.push({ pid: Number(entry), name: name! });
  }
  return found;
}

/** Processor time that a process has used, in milliseconds. */
export function cpuOf(pid: number): number {
  const fields = /^\d+ \(.*\) (.*)/s.exec(read(`/proc/${pid}/stat`))?.[1]?.split(' ');
  return fields === undefined ? 0 : 10 * (Number(fields[11]) + Number(fields[12]));
}

export function read(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Bytes that a process needs after it has collected its garbage; null if it does not say. */
export async function memoryOf(place: Place, pid: number): Promise<number | null> {
  const file = path.join(place.report, `memory.${pid}`);
  fs.rmSync(file, { force: true });
  try {
    process.kill(pid, 'SIGUSR2');
  } catch {
    return null;
  }
  if (!(await until(() => fs.existsSync(file), 10_000))) return null;
  const { heapUsed, external } = JSON.parse(read(file)) as { heapUsed: number; external: number };
  return heapUsed + external;
}

/** Whether a process is busy though it has nothing to do. */
export async function spins(pid: number): Promise<boolean> {
  for (let i = 0; i < 4; i++) {
    const before = cpuOf(pid);
    await pause(250);
    if (cpuOf(pid) - before < 120) return false;
  }
  return true;
}
