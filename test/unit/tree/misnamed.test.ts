import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tellMisnamed } from '../../../lib/tree/misnamed.ts';
import { scratch } from '../sys/scratch.ts';

const tell = (dir: string, text: string, name = 'Bob@x') =>
  tellMisnamed(dir, name, `2026-01-31 17:05 -!- ${text}\n`, text);

it('adds a notice where who writes there looks, once, and an event', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'Bob@x'));
  tell(dir, 'not in normal form');
  tell(dir, 'not in normal form');
  const out = path.join(dir, 'Bob@x/out');
  expect(fs.readFileSync(out, 'utf8')).toBe('2026-01-31 17:05 -!- not in normal form\n');
  tell(dir, 'something else');
  expect(fs.readFileSync(out, 'utf8').split('\n')).toHaveLength(3);
  expect(fs.readFileSync(path.join(dir, 'events'), 'utf8')).toContain('\terror\t-\tnot in normal form\n');
});

it('writes nothing through a link', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'else'));
  fs.symlinkSync('else', path.join(dir, 'Bob@x'));
  tell(dir, 'not in normal form');
  expect(fs.readdirSync(path.join(dir, 'else'))).toEqual([]);
});
