// What every program answers before it does anything.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { BIN, scratch } from './bed/suite.ts';

const { bin, version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as {
  bin: Record<string, string>;
  version: string;
};

it.each(Object.keys(bin))('%s answers -h and -V on stdout, and touches nothing', (name) => {
  const dir = scratch();
  const run = (option: string) => spawnSync(path.join(BIN, name), [option], { cwd: dir, encoding: 'utf8' });
  expect(run('-h')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(`^usage: ${name} [^\n]+\n$`),
  });
  expect(run('-V')).toMatchObject({ status: 0, stderr: '', stdout: `${name} ${version}\n` });
  expect(run('-!')).toMatchObject({ status: 100, stdout: '', stderr: expect.stringContaining(`usage: ${name} `) });
  expect(fs.readdirSync(dir)).toEqual([]);
});

it.each(Object.keys(bin))('%s opens no debugger at SIGUSR1 from its first statement on', (name) => {
  const [, strict, first] = fs.readFileSync(path.join(BIN, name), 'utf8').split('\n');
  expect(strict).toBe("'use strict';");
  expect(first).toBe("process.on('SIGUSR1', () => {});");
});
