/** What users write. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { flood, type Measure, TEXT, withSuite } from './measure.ts';
import { cpu } from './processes.ts';
import { lines, type Suite, until } from './suite.ts';

const WRITERS = 20;

/**
 * Lets programs write so many lines in all.
 * @returns how many there were, how long it took until the last was at the server, and what all of it cost, in
 * milliseconds
 */
export async function written(suite: Suite, n: number): Promise<{ count: number; time: number; spent: number }> {
  await heard(suite);
  const each = Math.ceil(n / WRITERS);
  const count = each * WRITERS;
  const text = path.join(suite.dir, '.text');
  fs.writeFileSync(text, `${TEXT.replace('&amp;', '&')}\n`.repeat(each));
  const last = suite.file(WRITERS - 1, 'out');
  const shown = lines(last) + each;
  const messages = suite.server.messages + count;
  const pids = suite.pids();
  const before = cpu(pids);
  let time = 0;
  const from = performance.now();
  const off = suite.server.onMessages(() => {
    time = performance.now() - from;
  });
  for (let i = 0; i < WRITERS; i++) {
    const to = fs.openSync(suite.file(i, 'in'), 'w');
    spawn('cat', [text], { stdio: ['ignore', to, 'ignore'] });
    fs.closeSync(to);
  }
  await until(() => suite.server.messages >= messages, 5);
  off();
  await until(() => lines(last) === shown, 20);
  return { count, time, spent: cpu(pids) - before };
}

/** Who is new has an `out` before there is an `in`. */
async function heard(suite: Suite): Promise<void> {
  for (let i = 0; i < WRITERS; i++)
    await until(() => fs.statSync(suite.file(i, 'in'), { throwIfNoEntry: false })?.isFIFO() === true);
}

export const outbound: Measure = (bin, n) =>
  withSuite(bin, async (suite) => {
    await flood(suite, WRITERS, WRITERS);
    const { count, time, spent } = await written(suite, n);
    return {
      'out, 20 writers: messages/s': (count * 1000) / time,
      'out, 20 writers: CPU of a message, us': (spent * 1000) / count,
    };
  });
