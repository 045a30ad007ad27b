// That a daemon which is behind slows the server down, and costs no more memory the longer it is.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ALICE, type Bed, BOB, contents, startBed, startSuite, until } from './bed/suite.ts';

/** How long the daemon is stopped; 10 minutes are what the README tells of. Without it, until the server is blocked. */
const MINUTES = Number(process.env.SJ_PRESSURE_MINUTES ?? 0);

/** What sj may take in all, whatever comes: sj(1) names it. In KiB. */
const MOST = 128 * 1024;

const rss = (pid: number) => Number(/^VmRSS:\s+(\d+)/m.exec(contents('/proc', String(pid), 'status'))![1]);

/** Messages without an end, from bob; `stop` resolves to how many have been sent. */
function flood(server: Bed): { written(): number; stop(): Promise<number> } {
  let written = 0;
  let count = 0;
  let stopped = false;
  const run = async () => {
    while (!stopped) {
      let batch = '';
      // Now and then a large one.
      for (const end = count + 64; count < end; count++) {
        const text = `${count} ${'x'.repeat(count % 1000 === 0 ? 200_000 : 900)}`;
        batch += `<message from='${BOB}/r' type='chat' id='${count}'><body>${text}</body></message>`;
      }
      await server.inject(ALICE, batch);
      written++;
    }
    return count;
  };
  const done = run();
  return {
    written: () => written,
    stop() {
      stopped = true;
      return done;
    },
  };
}

it(
  'a flooding server against a messaged that is stopped',
  async () => {
    const server = await startBed({ faults: { sm: { neverAsk: true } } });
    const alice = await startSuite(server).online();
    await server.online(ALICE);
    await alice.chat(BOB);
    await until(() => contents('/proc', String(alice.pid('messaged')), 'comm') === 'messaged\n');
    const sj = alice.pid('sj');
    const messaged = alice.pid('messaged');
    const before = rss(sj);
    process.kill(messaged, 'SIGSTOP');
    const bob = flood(server);
    let most = 0;
    const sample = () => {
      most = Math.max(most, rss(sj));
      return most;
    };
    // Blocked: nothing of it has gone for so many looks.
    let last = -1;
    let same = 0;
    await until(() => {
      sample();
      same = bob.written() === last ? same + 1 : 0;
      last = bob.written();
      return same > 100;
    });
    for (const end = Date.now() + MINUTES * 60_000; Date.now() < end; await pause(1000)) sample();
    expect(bob.written()).toBe(last);
    expect(alice.child.exitCode).toBe(null);
    console.log(
      `stopped for ${MINUTES} min: sj ${before} KiB before, at most ${sample()} KiB; ${last} writes of 64 messages`,
    );
    expect(most).toBeLessThan(MOST);

    const stopping = bob.stop();
    process.kill(messaged, 'SIGCONT');
    const count = await stopping;
    const numbers = () => [...alice.read(BOB, 'out').matchAll(/> (\d+) x/g)].map(([, n]) => Number(n));
    await until(
      () => numbers().at(-1) === count - 1,
      () => `${numbers().length} of ${count}`,
    );
    expect(numbers()).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(rss(sj)).toBeLessThan(MOST);
    alice.child.kill('SIGTERM');
    expect([await alice.ended, alice.err()]).toEqual([0, '']);
    fs.rmSync(path.join(alice.dir, BOB), { recursive: true });
  },
  (MINUTES + 3) * 60_000,
);
