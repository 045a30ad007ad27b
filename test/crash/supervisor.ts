/** Keeps the account online: starts it again as soon as it has ended. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT } from '../../lib/cli/exit.ts';
import { type Job, startJob } from '../interop/bed/job.ts';
import { until } from '../interop/bed/until.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin');

export type Program = 'xmppc' | 'sj' | 'messaged' | 'presenced' | 'iqd';

export type Supervisor = {
  /** The processes of a program that live now. */
  pids(name: Program): number[];
  /** How often it was started, and how it has ended so far. */
  readonly starts: number;
  readonly ends: ReadonlyMap<string, number>;
  /**
   * Tells it to go offline.
   * @param holder the pid of the sj that has the directory
   * @returns the exit code; null if the parent of that sj was killed, so that nobody could be told
   */
  stop(holder: number): Promise<number | string | null>;
  /** Whatever is left is killed. */
  kill(): Promise<void>;
};

export type SupervisorOptions = {
  /** The command of each start, without its name's path. */
  argv: (start: number) => readonly string[];
  /** Where stderr goes, of all that are started. */
  stderr: string;
  env: NodeJS.ProcessEnv;
};

/** In milliseconds. */
const SOON = 30;
const OFTEN = 300;

const PROGRAMS: readonly Program[] = ['xmppc', 'sj', 'messaged', 'presenced', 'iqd'];

export function supervise({ argv, stderr, env }: SupervisorOptions): Supervisor {
  /** One that has ended may have left somebody behind, who waits for his successor. */
  const jobs = new Set<Job>();
  const ends = new Map<string, number>();
  let starts = 0;
  let stopping = false;

  async function run(): Promise<void> {
    while (!stopping) {
      const job = await startJob(['sh', '-c', 'exec "$@" 2>>"$0"', stderr, ...argv(starts)], {
        env: { ...env, PATH: `${BIN}:${process.env.PATH}` },
      });
      jobs.add(job);
      starts++;
      while (job.ended === null) await pause(SOON);
      const how = String(job.ended);
      ends.set(how, (ends.get(how) ?? 0) + 1);
      // An sj whose parent was killed still has the directory.
      if (job.ended === EXIT.usage) await pause(OFTEN);
      for (const old of jobs) {
        if (old.ended === null || PROGRAMS.some((name) => old.members(name).length > 0)) continue;
        jobs.delete(old);
        await old.stop();
      }
    }
  }

  const pids = (name: Program) => [...jobs].flatMap((job) => job.members(name));
  const life = run();
  return {
    pids,
    get starts() {
      return starts;
    },
    ends,
    async stop(holder) {
      stopping = true;
      const job = [...jobs].find((job) => job.members('sj').includes(holder));
      const told = job?.ended === null;
      process.kill(holder, 'SIGTERM');
      await until('the end of all programs', () => PROGRAMS.every((name) => pids(name).length === 0));
      await life;
      return told ? job.ended : null;
    },
    async kill() {
      stopping = true;
      await Promise.all([...jobs].map((job) => job.stop('SIGKILL')));
      await life;
    },
  };
}
