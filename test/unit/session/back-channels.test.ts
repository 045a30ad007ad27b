import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { openBackChannels } from '../../../lib/session/back-channels.ts';
import { scratch } from '../sys/scratch.ts';

it('can be opened by the name of their descriptor, and leave nothing in the directory', async () => {
  const dir = scratch();
  const channels = await openBackChannels(dir, 3);
  expect(fs.readdirSync(dir)).toEqual([]);
  for (const channel of channels) {
    const { read, write } = channel!;
    execFileSync('sh', ['-c', 'echo 1 >&3; echo 2 > /dev/fd/3; echo 3 > "$1"', 'sh', '/dev/fd/3'], {
      stdio: ['ignore', 'ignore', 'inherit', write],
    });
    fs.closeSync(write);
    const bytes = Buffer.alloc(100);
    expect(bytes.toString('utf8', 0, fs.readSync(read, bytes))).toBe('1\n2\n3\n');
    // Nobody writes any more.
    expect(fs.readSync(read, bytes)).toBe(0);
    fs.closeSync(read);
  }
});

it('are done without where they cannot be made', async () => {
  expect(await openBackChannels('/nonexistent', 2)).toEqual([null, null]);
});
