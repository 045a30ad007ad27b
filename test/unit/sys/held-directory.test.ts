import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { inDirectory } from '../../../lib/sys/held-directory.ts';
import { scratch } from './scratch.ts';

it('a directory that becomes a link while it is worked in stays what it was', () => {
  const dir = scratch();
  const [inside, outside] = [path.join(dir, 'contact'), path.join(dir, 'outside')];
  fs.mkdirSync(inside);
  fs.mkdirSync(outside);
  fs.writeFileSync(path.join(outside, 'presence'), 'mine');
  inDirectory(inside, (held) => {
    fs.renameSync(inside, path.join(dir, 'moved'));
    fs.symlinkSync(outside, inside);
    fs.writeFileSync(path.join(held, 'presence'), 'online\n');
    fs.writeFileSync(path.join(held, '.tmp'), 'x');
    fs.renameSync(path.join(held, '.tmp'), path.join(held, 'other'));
  });
  expect(fs.readFileSync(path.join(outside, 'presence'), 'utf8')).toBe('mine');
  expect(fs.readdirSync(outside)).toEqual(['presence']);
  expect(fs.readdirSync(path.join(dir, 'moved')).sort()).toEqual(['other', 'presence']);
});

it.each([
  ['a link', (place: string) => fs.symlinkSync('/tmp', place), /ELOOP|ENOTDIR/],
  ['a file', (place: string) => fs.writeFileSync(place, ''), /ENOTDIR/],
  ['nothing', () => {}, /ENOENT/],
])('%s in the place of a directory is refused, and nothing is left open', (_, make, error) => {
  const place = path.join(scratch(), 'contact');
  make(place);
  const open = () => fs.readdirSync('/proc/self/fd').length;
  const before = open();
  expect(() => inDirectory(place, () => 0)).toThrow(error);
  expect(open()).toBe(before);
});

it('what the work throws is thrown, and nothing is left open', () => {
  const open = () => fs.readdirSync('/proc/self/fd').length;
  const before = open();
  const fails = () => {
    throw new Error('work');
  };
  expect(() => inDirectory(scratch(), fails)).toThrow('work');
  expect(open()).toBe(before);
});
