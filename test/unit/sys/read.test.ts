import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readRegular } from '../../../lib/sys/read.ts';
import { scratch } from './scratch.ts';

it('reads a file, and a link to one unless it is told not to', () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'file'), 'text');
  fs.symlinkSync('file', path.join(dir, 'link'));
  expect(readRegular(path.join(dir, 'file')).toString()).toBe('text');
  expect(readRegular(path.join(dir, 'link')).toString()).toBe('text');
  expect(() => readRegular(path.join(dir, 'link'), false)).toThrow('ELOOP');
});

it('waits at nothing else', () => {
  const dir = scratch();
  execFileSync('mkfifo', [path.join(dir, 'fifo')]);
  for (const other of [path.join(dir, 'fifo'), '/dev/zero', dir])
    expect(() => readRegular(other)).toThrow('not a regular file');
});
