// What fails in a program later than at its start ends it, whatever it still has open.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, expect, it } from 'vitest';
import { bundle } from './probe.ts';

/** It holds a timer and its standard input open, says `ready`, and fails when it reads something. */
const probe = bundle(`
  import { Fatal } from './lib/cli/exit.ts';
  import { run } from './lib/cli/run.ts';
  void run('probe', async () => {
    setInterval(() => {}, 1000);
    const input = new Promise((resolve) => process.stdin.once('data', resolve));
    process.stdout.write('ready\\n');
    await input;
    const error = process.argv[3] === 'fatal' ? new Fatal(76, 'broken') : new Error('broken');
    if (process.argv[2] === 'main') throw error;
    if (process.argv[2] === 'callback') setImmediate(() => { throw error; });
    else void Promise.reject(error);
    await new Promise(() => {});
  });
`);
afterAll(() => probe.remove());

it.each([
  ['main', 'fatal', 76],
  ['main', 'error', 111],
  ['callback', 'fatal', 76],
  ['callback', 'error', 111],
  ['promise', 'fatal', 76],
  ['promise', 'error', 111],
])(
  'a failure in the %s of a running program (%s) ends it with exit code %i within a second',
  async (where, what, code) => {
    const child = spawn(process.execPath, [probe.file, where, what], { stdio: ['pipe', 'pipe', 'pipe'] });
    const stderr = text(child.stderr);
    await once(child.stdout, 'data');
    const begin = performance.now();
    child.stdin.write('go');
    const [ended] = await once(child, 'exit');
    expect(performance.now() - begin).toBeLessThan(1000);
    expect([ended, await stderr]).toEqual([code, 'probe: fatal: broken\n']);
  },
);
