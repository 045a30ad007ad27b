import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { EXIT } from '../../../lib/cli/exit.ts';
import { findProgram } from '../../../lib/cli/find-program.ts';

const dir = mkdtempSync(join(tmpdir(), 'sj-program-'));
const home = join(dir, 'suite');
const other = join(dir, 'other');
const links = join(dir, 'links');

for (const folder of [home, other, links]) mkdirSync(folder);
for (const file of [join(home, 'xmppc'), join(home, 'sj'), join(other, 'sj'), join(home, 'plain')]) {
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
}
chmodSync(join(home, 'plain'), 0o644);
mkdirSync(join(other, 'iqd'));
symlinkSync(join(home, 'xmppc'), join(links, 'xmppc'));

afterAll(() => rmSync(dir, { recursive: true }));

const self = join(links, 'xmppc');

it('takes the first one on PATH', () => {
  expect(findProgram('sj', `${links}:${other}:${home}`, self)).toBe(join(other, 'sj'));
});

it('else the one beside the real file of the running program', () => {
  expect(findProgram('sj', links, self)).toBe(join(home, 'sj'));
  expect(findProgram('sj', '', self)).toBe(join(home, 'sj'));
});

it('takes neither a directory nor a file that is not executable', () => {
  expect(() => findProgram('iqd', other, self)).toThrow(expect.objectContaining({ code: EXIT.usage }));
  expect(() => findProgram('plain', home, self)).toThrow('cannot find plain');
});
