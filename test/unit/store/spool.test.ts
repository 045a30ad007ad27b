import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { sealLines } from '../../../lib/store/seal.ts';
import { openSpool } from '../../../lib/store/spool.ts';
import { scratch } from '../sys/scratch.ts';

function spool(file = path.join(scratch(), 'spool')) {
  const lines: string[] = [];
  return { file, lines, spool: openSpool(file, (line) => lines.push(line.toString())) };
}

it('gives back what was appended, and not what was not finished', () => {
  const first = spool();
  first.spool.append('one\ntwo\n');
  first.spool.append(Buffer.from('drei\n'));
  first.spool.close();
  fs.appendFileSync(first.file, 'half a li');
  const second = spool(first.file);
  expect(second.lines).toEqual(['one', 'two', 'drei']);
  second.spool.append('four\n');
  const sealed = sealLines('one\ntwo\ndrei\nfour\n');
  expect(second.spool.size).toBe(sealed.length);
  expect(fs.readFileSync(first.file)).toEqual(sealed);
  expect(fs.statSync(first.file).mode & 0o777).toBe(0o600);
});

it('is replaced as a whole and goes on', async () => {
  const { spool: s, file } = spool();
  s.append('old\n'.repeat(1000));
  const synced = new Promise((resolve) => s.sync(resolve));
  s.rewrite('new\n');
  s.append('next\n');
  expect(await synced).toBeNull();
  expect(await new Promise((resolve) => s.sync(resolve))).toBeNull();
  const lines: string[] = [];
  s.read((line) => lines.push(line.toString()));
  expect(lines).toEqual(['new', 'next']);
  const back: string[] = [];
  s.readBack((line) => back.push(line.toString()) === 3);
  expect(back).toEqual(['next', 'new']);
  s.append('\n\nlast\n');
  s.readBack((line) => back.push(line.toString()) === 6);
  expect(back.slice(2)).toEqual(['last', '', '', 'next']);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['spool']);
});

it('tells each who waits for the disk once, in order', async () => {
  const { spool: s } = spool();
  const told: number[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 20; i++) {
      s.append(`${i}\n`);
      s.sync((error) => {
        expect(error).toBeNull();
        told.push(i);
        if (i === 19) resolve();
      });
    }
  });
  expect(told).toEqual([...Array(20).keys()]);
  s.close();
});

it('is a file of its own, not a link or a FIFO', () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'precious'), 'x\n');
  fs.symlinkSync('precious', path.join(dir, 'link'));
  expect(() => openSpool(path.join(dir, 'link'), () => {})).toThrow();
  fs.mkdirSync(path.join(dir, 'dir'));
  expect(() => openSpool(path.join(dir, 'dir'), () => {})).toThrow();
});

it('does not wait for who writes into what has been put in its place', () => {
  const { file, spool: s } = spool();
  s.append('x\n');
  fs.unlinkSync(file);
  execFileSync('mkfifo', [file]);
  expect(() => s.read(() => {})).toThrow('not a regular file');
  s.close();
});

it('leaves out a line that is spoilt, and no other, and keeps the file as it was', () => {
  const first = spool();
  first.spool.append('one\ntwo\nthree\n');
  first.spool.close();
  const whole = fs.readFileSync(first.file);
  for (let at = 0; at < whole.length; at++) {
    const spoilt = Buffer.from(whole);
    spoilt[at] = spoilt[at]! ^ 0x01;
    fs.writeFileSync(first.file, spoilt);
    const next = spool(first.file);
    const left = ['one', 'two', 'three'].filter((line) => next.lines.includes(line));
    expect(next.lines).toEqual(left);
    expect(left.length).toBeGreaterThan(0);
    expect(left.length < 3 || fs.statSync(first.file).size < whole.length).toBe(true);
    next.spool.putAside();
    expect(fs.readFileSync(`${first.file}.spoilt`).length).toBe(next.spool.size);
    next.spool.close();
  }
});

it('reads what an earlier version wrote, and says so until it is rewritten', () => {
  const { file } = spool();
  fs.writeFileSync(file, 'one\ntwo\n');
  const old = spool(file);
  expect([old.lines, old.spool.old, old.spool.spoilt]).toEqual([['one', 'two'], true, 0]);
  old.spool.rewrite('one\n');
  expect([spool(file).lines, spool(file).spool.old]).toEqual([['one'], false]);
});
