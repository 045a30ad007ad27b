/** What is done to whom. */
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Server } from '../interop/bed/server.ts';
import { until } from '../interop/bed/until.ts';
import type { Random } from './random.ts';
import type { Relay } from './relay.ts';
import type { Program, Supervisor } from './supervisor.ts';

export type Victims = { random: Random; relay: Relay; supervisor: Supervisor; server: Server };

export type Fault = {
  readonly name: string;
  /** How often it is picked, against the others. */
  readonly weight: number;
  /** What it hits that may lose something by it. */
  readonly hits?: 'server' | 'messaged';
  strike(victims: Victims): Promise<void>;
};

const kill = (name: Program): Fault['strike'] => {
  return async ({ random, supervisor }) => {
    const pid = await until(`${name} to be there`, () => random.pick(supervisor.pids(name)));
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
    // Until it is really gone, others may still write to it.
    while (lives(pid)) await pause(1);
  };
};

function lives(pid: number): boolean {
  try {
    // The files are closed by the last of its threads.
    const dead = / [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\)/, ''));
    return !dead || fs.readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

const restart = (signal: NodeJS.Signals): Fault['strike'] => {
  return async ({ random, server }) => {
    await server.stop(signal);
    await pause(random.below(300));
    await server.start();
  };
};

export const FAULTS: readonly Fault[] = [
  { name: 'kill sj', weight: 4, strike: kill('sj') },
  { name: 'kill messaged', weight: 4, hits: 'messaged', strike: kill('messaged') },
  { name: 'kill presenced', weight: 1, strike: kill('presenced') },
  { name: 'kill iqd', weight: 1, strike: kill('iqd') },
  { name: 'kill xmppc', weight: 1, strike: kill('xmppc') },
  { name: 'reset', weight: 2, strike: async ({ relay }) => relay.reset() },
  { name: 'black hole', weight: 2, strike: async ({ relay }) => relay.hole() },
  {
    name: 'delay',
    weight: 1,
    async strike({ relay, random }) {
      relay.delay(200 + random.below(600));
      await pause(500 + random.below(1000));
      relay.delay(0);
    },
  },
  { name: 'half-close (server)', weight: 1, strike: async ({ relay }) => relay.halfClose('server') },
  { name: 'half-close (us)', weight: 1, strike: async ({ relay }) => relay.halfClose('client') },
  { name: 'server killed', weight: 2, hits: 'server', strike: restart('SIGKILL') },
  { name: 'server restarted', weight: 1, hits: 'server', strike: restart('SIGTERM') },
];

export function pickFault(random: Random, from: readonly Fault[]): Fault {
  let at = random.below(from.reduce((sum, { weight }) => sum + weight, 0));
  for (const fault of from) if ((at -= fault.weight) < 0) return fault;
  return from[0]!;
}
