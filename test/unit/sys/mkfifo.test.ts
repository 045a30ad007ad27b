import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { mkfifos } from '../../../lib/sys/mkfifo.ts';
import { syncAll } from '../../../lib/sys/sync-all.ts';
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

/** Runs with programs of ours first on PATH, each of which notes its arguments. @returns what was noted */
async function noted(work: (dir: string) => Promise<unknown>): Promise<string> {
  const dir = scratch();
  const bin = path.join(dir, 'programs');
  fs.mkdirSync(bin);
  const before = process.env.PATH ?? '';
  for (const name of ['mkfifo', 'sync']) {
    const script = `#!/bin/sh\nprintf '%s\\n' "$0" "$@" >> '${dir}/noted'\nPATH='${before}' exec ${name} "$@"\n`;
    fs.writeFileSync(path.join(bin, name), script, { mode: 0o700 });
  }
  process.env.PATH = `${bin}:${before}`;
  try {
    await work(path.join(dir));
  } finally {
    process.env.PATH = before;
  }
  return fs.readFileSync(path.join(dir, 'noted'), 'utf8');
}

it('names no contact and no path in arguments, which every user can read', async () => {
  const names = Array.from({ length: 100 }, (_, i) => `bob${i}@x`);
  const made = await noted(async (dir) => {
    for (const name of names) fs.mkdirSync(path.join(dir, name));
    const paths = names.map((name) => path.join(dir, name, 'in'));
    await mkfifos(paths, dir);
    expect(paths.every((p) => fs.lstatSync(p).isFIFO())).toBe(true);
    await new Promise<void>((done) => syncAll(dir, new Set(names.map((name) => `${name}/in`)), done));
    expect(fs.readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
  });
  const args = made.split('\n').filter((line) => !line.endsWith('/mkfifo') && !line.endsWith('/sync'));
  expect(args.length).toBeGreaterThan(100);
  expect(args.filter((arg) => /bob|\//.test(arg))).toEqual([]);
});

it('makes a FIFO where the stage is of no use', async () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'bob@x'));
  await mkfifos([path.join(dir, 'bob@x', 'in')], path.join(dir, 'none'));
  expect(fs.lstatSync(path.join(dir, 'bob@x', 'in')).isFIFO()).toBe(true);
});
