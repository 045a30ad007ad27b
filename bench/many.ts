/** Costs that grow with the number of contacts. */
import { setTimeout as wait } from 'node:timers/promises';
import { counted, flood, type Measure, SETTLED, withSuite } from './measure.ts';
import { cpu, memory } from './processes.ts';
import { deliver, presence, type Suite, sizeOf, until } from './suite.ts';

const CROWD = 10_000;
const FEW = 20;

/** Whoever writes is known by then, and the engine has compiled what is needed. */
async function costOf(suite: Suite, n: number): Promise<number> {
  await flood(suite, FEW * 100, FEW);
  return ((await counted(suite, n, FEW)).spent * 1000) / n;
}

/** Many contacts, of whom few write, beside few. */
export const crowd: Measure = async (bin, n) => {
  const few = await withSuite(bin, (suite) => costOf(suite, n), { contacts: FEW });
  return withSuite(
    bin,
    async (suite) => {
      await deliver(suite, 0, 'hello');
      const first = performance.now() - suite.started;
      await wait(SETTLED);
      const size = memory(suite.pids());
      const cost = await costOf(suite, n);
      return {
        '10,000 contacts: session ready, ms': suite.ready,
        '10,000 contacts: first message in out, ms': first,
        '10,000 contacts: memory idle, MiB': size,
        '10,000 contacts: CPU of a message, us': cost,
        '10,000 contacts: CPU of a message, of 20 contacts': cost / few,
        '10,000 contacts: memory after, MiB': memory(suite.pids()),
      };
    },
    { contacts: CROWD },
  );
};

const MINUTE = 60_000;

/** A minute in which nothing happens. */
export const quiet: Measure = (bin) =>
  withSuite(
    bin,
    async (suite) => {
      await deliver(suite, 0, 'hello');
      await wait(SETTLED);
      const pids = suite.pids();
      const before = cpu(pids);
      await wait(MINUTE);
      return { '1,000 contacts: CPU of an idle minute, ms': cpu(pids) - before };
    },
    { contacts: 1000 },
  );

/** Presence that is sent with one write. */
const BLOCK = 200;

/** Everybody on a long roster is online. */
const everybody =
  (name: string, known: boolean): Measure =>
  (bin) =>
    withSuite(
      bin,
      async (suite) => {
        await deliver(suite, 0, 'hello');
        await until(() => suite.server.greeted);
        const pids = suite.pids();
        const before = cpu(pids);
        const from = performance.now();
        for (let i = 0; i < CROWD; i += BLOCK)
          await suite.server.send(Array.from({ length: BLOCK }, (_, j) => presence(i + j)).join(''));
        let shown = 0;
        await until(() => {
          while (shown < CROWD && sizeOf(suite.file(shown, 'presence')) > 0) shown++;
          return shown === CROWD;
        }, 5);
        const time = performance.now() - from;
        const spent = cpu(pids) - before;
        return {
          [`${name}: all shown, s`]: time / 1000,
          [`${name}: CPU of a presence, us`]: (spent * 1000) / CROWD,
          [`${name}: memory after, MiB`]: memory(pids),
        };
      },
      { roster: CROWD, contacts: known ? CROWD : 0 },
    );

export const roster = everybody('roster of 10,000', true);
export const newRoster = everybody('roster of 10,000, no directories yet', false);
