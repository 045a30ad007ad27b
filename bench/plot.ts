/**
 * `npm run bench:plot -- [--reps N] [--n N]`: how speed, cost and memory go with the number of contacts and of messages,
 * as figures and pictures in bench/results.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { counted, flood, median, withSuite } from './measure.ts';
import { memory } from './processes.ts';
import { deliver } from './suite.ts';
import { type Line, picture } from './svg.ts';

const { values } = parseArgs({
  options: { reps: { type: 'string', default: '3' }, n: { type: 'string', default: '40000' } },
});
const REPS = Number(values.reps);
const MESSAGES = Number(values.n);

const CONTACTS = [10, 100, 1000, 5000, 20_000];
const LENGTHS = [1e3, 1e4, 1e5, 1e6];
const FEW = 20;

const bin = path.join(import.meta.dirname, '..', 'bin');
const results = path.join(import.meta.dirname, 'results');

type Point = Record<string, number>;

/** What so many messages took, as figures of one. */
const figures = (name: string, n: number, { time, spent }: { time: number; spent: number }): Point => ({
  [`${name}, messages/s`]: (n * 1000) / time,
  [`${name}, us`]: (spent * 1000) / n,
});

/** So many contacts have a directory: some of them write, and then all of them in turns, for whom files are made first. */
const withContacts = (contacts: number): Promise<Point> =>
  withSuite(
    bin,
    async (suite) => {
      await deliver(suite, 0, 'hello');
      const first = performance.now() - suite.started;
      const few = Math.min(FEW, contacts - 1);
      await flood(suite, 2000, few);
      const begin = memory(suite.pids());
      const some = figures('few', MESSAGES, await counted(suite, MESSAGES, few));
      const after = memory(suite.pids());
      await flood(suite, contacts, contacts);
      const n = Math.max(MESSAGES, 2 * contacts);
      const all = figures('all', n, await counted(suite, n, contacts));
      return { contacts, ready: suite.ready, first, begin, after, ...some, ...all, 'all, MiB': memory(suite.pids()) };
    },
    { contacts },
  );

/** One session, looked at again and again; nobody has a file yet. */
const withMessages = (): Promise<Point[]> =>
  withSuite(bin, async (suite) => {
    const points: Point[] = [];
    await flood(suite, FEW, FEW);
    let sent = 0;
    for (const messages of LENGTHS) {
      const n = messages - sent;
      points.push({ messages, ...figures('in', n, await counted(suite, n, FEW)), MiB: memory(suite.pids()) });
      sent = messages;
    }
    return points;
  });

/** The median of each figure. */
const middle = (points: readonly Point[]): Point =>
  Object.fromEntries(Object.keys(points[0]!).map((name) => [name, median(points.map((point) => point[name]!))]));

const line = (points: readonly Point[], x: string, y: string, name: string): Line => ({
  name,
  points: points.map((point) => [point[x]!, point[y]!]),
});

function draw(contacts: readonly Point[], messages: readonly Point[]): void {
  const of = (y: string, name: string) => line(contacts, 'contacts', y, name);
  const few = `${FEW} of them write`;
  const all = 'all write in turns';
  fs.writeFileSync(
    path.join(results, 'contacts.svg'),
    picture('contacts', [
      { title: 'Messages a second', lines: [of('few, messages/s', few), of('all, messages/s', all)] },
      { title: 'CPU of a message, µs', lines: [of('few, us', few), of('all, us', all)] },
      { title: 'Memory, MiB', lines: [of('after', few), of('all, MiB', all)] },
      { title: 'Start, ms', lines: [of('ready', 'session ready'), of('first', 'first message in out')] },
    ]),
  );
  const over = (y: string, name: string) => [line(messages, 'messages', y, name)];
  fs.writeFileSync(
    path.join(results, 'messages.svg'),
    picture('messages since the start', [
      { title: 'Messages a second', lines: over('in, messages/s', 'since the point before') },
      { title: 'CPU of a message, µs', lines: over('in, us', 'since the point before') },
      { title: 'Memory, MiB', lines: over('MiB', 'at that moment') },
    ]),
  );
}

async function main(): Promise<void> {
  const found = new Map(CONTACTS.map((contacts) => [contacts, [] as Point[]]));
  const lengths: Point[][] = LENGTHS.map(() => []);
  for (let i = 0; i < REPS; i++) {
    // All of them in turns, so that what disturbs for a while does so everywhere.
    for (const contacts of CONTACTS) {
      const point = await withContacts(contacts);
      found.get(contacts)!.push(point);
      console.log(
        JSON.stringify(point, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value)),
      );
    }
    const points = await withMessages();
    for (const [at, point] of points.entries()) lengths[at]!.push(point);
    console.log(
      JSON.stringify(points, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value)),
    );
  }
  const contacts = [...found.values()].map(middle);
  const messages = lengths.map(middle);
  const machine = { cpus: os.cpus().map(({ model }) => model), load: os.loadavg(), node: process.version };
  fs.mkdirSync(results, { recursive: true });
  fs.writeFileSync(
    path.join(results, 'plot.json'),
    `${JSON.stringify({ reps: REPS, machine, contacts, messages }, null, 2)}\n`,
  );
  draw(contacts, messages);
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(`bench: fatal: ${error.message}`);
    process.exit(1);
  },
);
