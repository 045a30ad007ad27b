import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { appendRecord, TornRecord, writeAll } from '../../../lib/sys/append.ts';
import { mkfifos } from '../../../lib/sys/mkfifo.ts';
import { scratch, sh } from './scratch.ts';

it('makes the file for its owner only and appends', () => {
  const file = path.join(scratch(), 'out');
  appendRecord(file, 'é one\n');
  appendRecord(file, Buffer.from([0xff, 0x0a]));
  expect(fs.readFileSync(file)).toEqual(Buffer.concat([Buffer.from('é one\n'), Buffer.from([0xff, 0x0a])]));
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

it('follows a link to a file, and makes none through a link', () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'archive'), 'old\n');
  fs.symlinkSync('archive', path.join(dir, 'out'));
  appendRecord(path.join(dir, 'out'), 'new\n');
  expect(fs.readFileSync(path.join(dir, 'archive'), 'utf8')).toBe('old\nnew\n');

  fs.symlinkSync('elsewhere', path.join(dir, 'log'));
  expect(() => appendRecord(path.join(dir, 'log'), 'x\n')).toThrow();
  expect(fs.existsSync(path.join(dir, 'elsewhere'))).toBe(false);
});

it('writes nothing but a file', async () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'directory'));
  await mkfifos([path.join(dir, 'fifo')]);
  expect(() => appendRecord(path.join(dir, 'directory'), 'x\n')).toThrow();
  expect(() => appendRecord(path.join(dir, 'fifo'), 'x\n')).toThrow();
  // With a reader it could be opened.
  const reader = fs.openSync(path.join(dir, 'fifo'), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  expect(() => appendRecord(path.join(dir, 'fifo'), 'x\n')).toThrow('not a regular file');
  fs.closeSync(reader);
  expect(() => appendRecord('/dev/null', 'x\n')).toThrow('not a regular file');
});

it('says ENOENT where there is no directory', () => {
  expect(() => appendRecord(path.join(scratch(), 'gone', 'out'), 'x\n')).toThrow(
    expect.objectContaining({ code: 'ENOENT' }),
  );
});

it('is one write each: records of several processes stay whole', async () => {
  const dir = scratch();
  const file = path.join(dir, 'events');
  const line = 'y'.repeat(3000);
  const writer = sh(dir, 'i=0; while [ $i -lt 300 ]; do echo "$1" >> events; i=$((i+1)); done', line);
  let ended = false;
  const done = writer.done.then(() => {
    ended = true;
  });
  let ours = 0;
  while (!ended) {
    appendRecord(file, `${'x'.repeat(5000)}\n`);
    ours++;
    await new Promise(setImmediate);
  }
  await done;
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.filter((l) => l === line)).toHaveLength(300);
  expect(lines.filter((l) => l === 'x'.repeat(5000))).toHaveLength(ours);
  expect(lines).toHaveLength(300 + ours);
});

it('tells how much of a record is in the file when the system takes no more', () => {
  // A pipe that nobody reads is full sooner than a disk.
  const dir = scratch();
  return mkfifos([path.join(dir, 'fifo')]).then(() => {
    const { O_RDONLY, O_WRONLY, O_NONBLOCK } = fs.constants;
    const reader = fs.openSync(path.join(dir, 'fifo'), O_RDONLY | O_NONBLOCK);
    const writer = fs.openSync(path.join(dir, 'fifo'), O_WRONLY | O_NONBLOCK);
    const big = Buffer.alloc(1_000_000, 'z');
    let torn: unknown;
    try {
      writeAll(writer, big);
    } catch (error) {
      torn = error;
    }
    expect(torn).toBeInstanceOf(TornRecord);
    const { written, code } = torn as TornRecord;
    expect(code).toBe('EAGAIN');
    fs.closeSync(writer);
    let inside = 0;
    for (let n: number; (n = fs.readSync(reader, big)) > 0; ) inside += n;
    expect(inside).toBe(written);
    // Nothing at all is not torn.
    fs.closeSync(reader);
  });
});
