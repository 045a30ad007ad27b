import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { mkfifos } from '../../../lib/files/mkfifo.ts';
import { scratch } from './scratch.ts';

it('makes more than one command line can name, for their owner only', async () => {
  const dir = scratch();
  const paths = Array.from({ length: 1500 }, (_, i) => path.join(dir, `${i}-${'n'.repeat(100)}`));
  await mkfifos(paths);
  const stats = paths.map((p) => fs.lstatSync(p));
  expect(stats.every((s) => s.isFIFO() && (s.mode & 0o777) === 0o600)).toBe(true);
});

it('leaves alone what is there, and makes the others', async () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'a'), 'text');
  await mkfifos([path.join(dir, 'a'), path.join(dir, 'no', 'such'), path.join(dir, '-m'), path.join(dir, 'b')]);
  expect(fs.readFileSync(path.join(dir, 'a'), 'utf8')).toBe('text');
  expect(fs.lstatSync(path.join(dir, '-m')).isFIFO()).toBe(true);
  expect(fs.lstatSync(path.join(dir, 'b')).isFIFO()).toBe(true);
});

it('has nothing to do for no paths', () => mkfifos([]));
