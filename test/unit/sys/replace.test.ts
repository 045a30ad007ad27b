import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { replaceFile, sweep, temporaryName } from '../../../lib/sys/replace.ts';
import { scratch } from './scratch.ts';

it('replaces as a whole: who has the old file open still has the old text', () => {
  const file = path.join(scratch(), 'state');
  replaceFile(file, 'one\n');
  const before = fs.openSync(file, 'r');
  replaceFile(file, 'two\n');
  expect(fs.readFileSync(before, 'utf8')).toBe('one\n');
  fs.closeSync(before);
  expect(fs.readFileSync(file, 'utf8')).toBe('two\n');
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

it('replaces a link and not what it leads to', () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'precious'), 'precious');
  fs.symlinkSync('precious', path.join(dir, 'state'));
  replaceFile(path.join(dir, 'state'), 'x');
  expect(fs.readFileSync(path.join(dir, 'precious'), 'utf8')).toBe('precious');
});

it('leaves nothing behind when it fails', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'state', 'x'), { recursive: true });
  expect(() => replaceFile(path.join(dir, 'state'), 'x')).toThrow();
  expect(fs.readdirSync(dir)).toEqual(['state']);
});

it('sweeps away what the dead have left, and nothing else', () => {
  const dir = scratch();
  const { pid } = spawnSync('true');
  const living = ['.tmp-1-abc-0', path.basename(temporaryName(path.join(dir, 'x')))];
  const others = ['.tmp-presence', `.tmp-${pid}-abc`, `x.tmp-${pid}-abc-0`, 'in'];
  for (const name of [...living, ...others, `.tmp-${pid}-abc-0`, `.tmp-${process.pid}-abc-0`])
    fs.writeFileSync(path.join(dir, name), '');
  fs.mkdirSync(path.join(dir, `.tmp-${pid}-abc-1`));
  sweep(dir);
  expect(fs.readdirSync(dir).sort()).toEqual([...living, ...others, `.tmp-${pid}-abc-1`].sort());
});
