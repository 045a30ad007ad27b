/**
 * Programs under test. Each is the leader of its own process group and on a leash (leash.sh): nothing outlives the
 * test that started it, however that ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { until } from './until.ts';

export type Job = {
  /** The process that was started, and its group. */
  readonly pid: number;
  /** All that it and its children have said so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or the name of the signal; null while it runs. */
  readonly ended: number | string | null;
  /** Waits for its end, and that of all that it has left its stdout and stderr to. */
  end(): Promise<number | string>;
  signal(signal: NodeJS.Signals): void;
  /** The processes of the group that call themselves so. */
  members(name: string): number[];
  /** Kills what is left of the group; the leader gets the chance to leave by itself. */
  stop(signal?: NodeJS.Signals): Promise<void>;
};

export type JobOptions = {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
};

const LEASH = join(import.meta.dirname, 'leash.sh');
const GRACE_MS = 10_000;

const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) killGroup(pid);
});

/** @throws if the program can't be started */
export async function startJob(argv: readonly string[], { cwd, env }: JobOptions = {}): Promise<Job> {
  const child = spawn(LEASH, argv, {
    detached: true,
    // Not stdin: Node ends that as soon as the leader has ended, and others of the group may not have.
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  await once(child, 'spawn');
  const pid = child.pid!;
  running.add(pid);
  const leash = child.stdio[3] as Writable;
  leash.on('error', () => {});
  /** How many of stdout and stderr somebody can still write to. */
  let open = 2;
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8')
      .on('data', (text: string) => {
        said[name] += text;
      })
      .on('end', () => {
        open--;
      });
  }
  let ended: number | string | null = null;
  const gone = once(child, 'exit').then(([code, signal]) => {
    ended = (code ?? signal) as number | string;
  });
  const job: Job = {
    pid,
    get stdout() {
      return said.stdout;
    },
    get stderr() {
      return said.stderr;
    },
    get ended() {
      return ended;
    },
    end: () =>
      until(
        `the end of ${argv.join(' ')}`,
        () => open === 0 && ended,
        () => said.stderr,
      ),
    signal: (signal) => void child.kill(signal),
    members: (name) => group(pid).filter((member) => comm(member) === name),
    async stop(signal = 'SIGTERM') {
      if (!running.has(pid)) return;
      child.kill(signal);
      const timer = setTimeout(() => killGroup(pid), GRACE_MS);
      await gone;
      clearTimeout(timer);
      killGroup(pid);
      running.delete(pid);
      leash.destroy();
    },
  };
  return job;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

/** The processes of a group, read from /proc. */
function group(leader: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => stat(pid)[2] === String(leader));
}

/** The fields of /proc/PID/stat that follow the name: state, parent, group, … */
function stat(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}

function comm(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}
