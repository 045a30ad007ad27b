import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSteadyFifo } from '../../../lib/sys/steady.ts';
import { scratch, until } from './scratch.ts';

const { O_NONBLOCK, O_WRONLY } = fs.constants;

function setUp() {
  const file = path.join(scratch(), 'in');
  execFileSync('mkfifo', [file]);
  let got = '';
  const complaints: string[] = [];
  const fifo = openSteadyFifo(file, {
    data(chunk) {
      got += chunk;
    },
    eof() {},
    trouble: (why) => complaints.push(why),
  });
  onTestFinished(fifo.close);
  const say = (text: string) => {
    const fd = fs.openSync(file, O_WRONLY | O_NONBLOCK);
    fs.writeSync(fd, text);
    fs.closeSync(fd);
  };
  const reads = () => {
    try {
      fs.closeSync(fs.openSync(file, O_WRONLY | O_NONBLOCK));
      return true;
    } catch {
      return false;
    }
  };
  return { file, fifo, complaints, say, reads, got: () => got };
}

it('is made again where it was removed', async () => {
  const { file, fifo, complaints, say, reads, got } = setUp();
  fs.rmSync(file);
  fifo.check();
  await until(reads);
  say('one\n');
  await until(() => got() === 'one\n');
  expect(complaints).toEqual([]);
});

it('tells once of what stands in its place, and is back when that has gone', async () => {
  const { file, fifo, complaints, say, reads, got } = setUp();
  fs.rmSync(file);
  fs.writeFileSync(file, 'precious');
  fifo.check();
  fifo.check();
  await until(() => complaints.length > 0);
  expect(fs.readFileSync(file, 'utf8')).toBe('precious');
  fs.rmSync(file);
  await until(reads);
  say('one\n');
  await until(() => got() === 'one\n');
  expect(complaints).toEqual(['not a FIFO']);
});

it('reads a new one, and what is still said in the old one', async () => {
  const { file, fifo, say, got } = setUp();
  const old = fs.openSync(file, O_WRONLY | O_NONBLOCK);
  execFileSync('sh', ['-c', 'mkfifo "$1.new" && mv "$1.new" "$1"', 'sh', file]);
  fifo.check();
  fs.writeSync(old, 'old\n');
  fs.closeSync(old);
  say('new\n');
  await until(() => got().length === 8);
  expect(got().split('\n').toSorted()).toEqual(['', 'new', 'old']);
});

it('stays paused over a change', async () => {
  const { file, fifo, reads, say, got } = setUp();
  fifo.pause();
  fs.rmSync(file);
  fifo.check();
  await until(reads);
  say('one\n');
  fifo.resume();
  await until(() => got() === 'one\n');
});
