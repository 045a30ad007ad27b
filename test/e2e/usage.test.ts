// What every program answers before it does anything.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, newAccount, scratch, start } from './bed/suite.ts';

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

/** Enough of a command line to come as far as the directory. */
const WHOSE: Record<string, string[]> = {
  sj: ['-u', 'alice', '-s', 'example.org'],
  xmppc: ['-H', '127.0.0.1:9', 'alice@example.org'],
  messaged: ['-j', 'alice@example.org'],
};
const KEEP = { xmppc: ['-k', ...WHOSE.xmppc!] };
const PROGRAMS = [...Object.keys(bin).map((name) => [name, WHOSE[name] ?? []] as const), ...Object.entries(KEEP)];

/** Those that make the directory, and those that want one with a running sj. */
const MAKES = ['sj', 'xmppc'];
const TOOLS = ['presence', 'roster'];

/** Runs a program on a directory, with something on the descriptors of a connection. */
function opened(argv: readonly [string, ...string[]], dir: string) {
  const [program, ...args] = argv;
  const stdio = Array.from({ length: 8 }, () => 'pipe' as const);
  const env = { ...process.env, SJ_DIR: dir };
  const { status, stdout, stderr } = spawnSync(program, args, { env, stdio, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** The same as somebody else, if we are root, who may do everything; the programs must be where that one can read them. */
function openedByAnother(name: string, args: readonly string[], dir: string) {
  if (process.geteuid?.() !== 0) return opened([path.join(BIN, name), ...args], dir);
  const place = path.dirname(dir);
  fs.chmodSync(place, 0o755);
  // xmppc looks for sj first.
  for (const program of new Set([name, 'sj'])) fs.copyFileSync(path.join(BIN, program), path.join(place, program));
  const another = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  return opened(['setpriv', ...another, process.execPath, path.join(place, name), ...args], dir);
}

const refused = (name: string, dir: string, why: string) => ({
  status: 100,
  stdout: '',
  stderr: `${name}: fatal: cannot open ${dir}: ${why}\n`,
});

describe.each(PROGRAMS)('%s %j', (name, args) => {
  it('refuses a directory that is none, in the same words as the others', () => {
    const file = path.join(scratch(), 'file');
    fs.writeFileSync(file, '');
    expect(opened([path.join(BIN, name), ...args], file)).toEqual(refused(name, file, 'not a directory'));
    const below = path.join(file, 'xmpp');
    expect(opened([path.join(BIN, name), ...args], below)).toEqual(refused(name, below, 'not a directory'));
  });

  it('refuses a directory of somebody else', () => {
    const dir = path.join(scratch(), 'xmpp');
    fs.mkdirSync(dir, { mode: 0o500 });
    expect(openedByAnother(name, args, dir)).toEqual(refused(name, dir, 'permission denied'));
  });
});

it.each(PROGRAMS.filter(([name]) => !MAKES.includes(name)))(
  '%s %j refuses a directory that is not there',
  (name, args) => {
    const dir = path.join(scratch(), 'xmpp');
    expect(opened([path.join(BIN, name), ...args], dir)).toEqual(refused(name, dir, 'no such file or directory'));
  },
);

it.each(TOOLS)('%s refuses a directory of no account', (name) => {
  const dir = scratch();
  const why = 'not an account directory, for it has no in';
  expect(opened([path.join(BIN, name)], dir)).toEqual(refused(name, dir, why));
});

it.each([['messaged', '-j', 'alice@example.org'], ['presenced'], ['iqd']])(
  '%s ends when it fails at its start, whatever holds its input open',
  async (name, ...args) => {
    const job = start([path.join(BIN, name), '-d', newAccount(), '-o', '/dev/fd/9', ...args], {});
    expect(await job.ended).not.toBe(0);
    expect(job.err()).toMatch(new RegExp(`^${name}: fatal: .*nobody has passed this descriptor\n$`));
  },
);
