import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type FifoReader, openFifo } from '../../../lib/sys/fifo.ts';
import { createLines } from '../../../lib/sys/lines.ts';
import { mkfifos } from '../../../lib/sys/mkfifo.ts';
import { scratch, sh, until } from './scratch.ts';

type Reading = {
  dir: string;
  path: string;
  lines: string[];
  eofs: () => number;
  failures: Error[];
  reader: FifoReader;
};

async function reading(dir = scratch()): Promise<Reading> {
  const fifo = path.join(dir, 'in');
  await mkfifos([fifo]);
  return open(fifo);
}

function open(fifo: string): Reading {
  const lines: string[] = [];
  const failures: Error[] = [];
  let eofs = 0;
  const cut = createLines(100_000, {
    line: (bytes) => lines.push(bytes.toString()),
    tooLong: () => lines.push('too long'),
  });
  const reader = openFifo(fifo, {
    data: cut.push,
    eof() {
      eofs++;
      cut.flush();
    },
    error: (error) => failures.push(error),
  });
  onTestFinished(() => reader.close());
  return { dir: path.dirname(fifo), path: fifo, lines, eofs: () => eofs, failures, reader };
}

it('loses nothing of 50 writers that open it for every line', async () => {
  const { dir, lines } = await reading();
  const script = `i=0; while [ $i -lt 40 ]; do printf '%s %s %s\\n' "$1" $i "$2" > in; i=$((i+1)); done`;
  const writers = Array.from({ length: 50 }, (_, w) => sh(dir, script, `w${w}`, 'x'.repeat(w * 70)));
  for (const { done } of writers) expect(await done).toBe(0);
  await until(() => lines.length >= 2000);
  for (let w = 0; w < 50; w++) {
    const mine = lines.filter((line) => line.startsWith(`w${w} `));
    expect(mine).toEqual(Array.from({ length: 40 }, (_, i) => `w${w} ${i} ${'x'.repeat(w * 70)}`));
  }
  expect(lines).toHaveLength(2000);
});

it('reads 4096 bytes whole, and half a line and its rest from one who holds it open', async () => {
  const { dir, lines } = await reading();
  // Two, for a writer that has not closed the first would end the second wait.
  await mkfifos([path.join(dir, 'go'), path.join(dir, 'end')]);
  const line = 'y'.repeat(4095);
  const holder = sh(
    dir,
    'exec 3> in; echo "$1" >&3; printf ha >&3; read go < go; echo lf >&3; echo and more >&3; read go < end',
    line,
  );
  await until(() => lines.length === 1);
  fs.writeFileSync(path.join(dir, 'go'), 'go\n');
  await until(() => lines.length === 3);
  // Others come and go meanwhile.
  await sh(dir, 'echo other > in').done;
  await until(() => lines.length === 4);
  fs.writeFileSync(path.join(dir, 'end'), 'go\n');
  await holder.done;
  expect(lines).toEqual([line, 'half', 'and more', 'other']);
});

it('takes what has no line feed for a line when its writer closes', async () => {
  const { dir, lines } = await reading();
  for (const word of ['hi', 'there', '\u00e9']) {
    await sh(dir, 'printf %s "$1" > in', word).done;
    await until(() => lines.at(-1) === word);
  }
  expect(lines).toEqual(['hi', 'there', '\u00e9']);
});

it('does so also where many come and go at once', async () => {
  const { dir, lines } = await reading();
  for (let round = 0; round < 100; round++) {
    // Without a line feed; each is one write of its own, and the reader may see several of them as one.
    await sh(dir, 'printf a > in; printf b > in; printf c > in').done;
    await until(() => lines.join('').length === 3 * (round + 1));
  }
  expect(lines.join('')).toBe('abc'.repeat(100));
});

const { O_NONBLOCK, O_WRONLY } = fs.constants;

/** Writes lines until the pipe takes no more. @returns how many */
function fill(fd: number, from: number): number {
  for (let n = from; ; n++) {
    try {
      fs.writeSync(fd, `line ${n}\n`);
    } catch {
      return n;
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

it('reads nothing while it is paused, so that writers wait, and everything after', async () => {
  const { path: fifo, lines, reader } = await reading();
  const writer = fs.openSync(fifo, O_WRONLY | O_NONBLOCK);
  reader.pause();
  const count = fill(writer, 0);
  await turns(50);
  expect(fill(writer, count)).toBe(count);
  expect(lines).toEqual([]);
  reader.resume();
  await until(() => lines.length === count);
  const more = fill(writer, count);
  expect(more).toBeGreaterThan(count);
  fs.closeSync(writer);
  await until(() => lines.length === more);
  expect(lines).toEqual(Array.from({ length: more }, (_, i) => `line ${i}`));
});

it('stops within a chunk when it is paused by what it has read', async () => {
  const dir = scratch();
  const fifo = path.join(dir, 'in');
  await mkfifos([fifo]);
  let chunks = 0;
  let bytes = 0;
  const reader = openFifo(fifo, {
    data(chunk) {
      chunks++;
      bytes += chunk.length;
      reader.pause();
    },
    eof() {},
    error() {},
  });
  onTestFinished(() => reader.close());
  const writer = fs.openSync(fifo, O_WRONLY | O_NONBLOCK);
  fs.writeSync(writer, 'first\n');
  await until(() => chunks === 1);
  const count = fill(writer, 0);
  await turns(50);
  expect(fill(writer, count)).toBe(count);
  expect([chunks, bytes]).toEqual([1, 6]);
  reader.resume();
  await until(() => chunks === 2);
  fs.closeSync(writer);
});

it('opened while paused, it reads nothing either', async () => {
  const { path: fifo, lines, reader, eofs } = await reading();
  fs.closeSync(fs.openSync(fifo, O_WRONLY | O_NONBLOCK));
  reader.pause();
  fs.writeFileSync(fifo, 'kept\n');
  await turns(20);
  expect([lines, eofs()]).toEqual([[], 0]);
  reader.resume();
  await until(() => eofs() > 0);
  expect(lines).toEqual(['kept']);
});

it('takes over what one before it has not read, also of a writer who has gone', async () => {
  const before = await reading();
  before.reader.pause();
  fs.writeFileSync(before.path, 'one\nno end');
  const after = open(before.path);
  after.reader.pause();
  before.reader.close();
  await turns(20);
  expect(after.lines).toEqual([]);
  after.reader.resume();
  await until(() => after.lines.length === 2);
  expect([before.lines, after.lines]).toEqual([[], ['one', 'no end']]);
  fs.writeFileSync(after.path, 'more');
  await until(() => after.lines.length === 3);
});

it('drains: one who waited in open() for a reader still gets his line through', async () => {
  const dir = scratch();
  const fifo = path.join(dir, 'in');
  await mkfifos([fifo]);
  const writer = sh(dir, 'echo waited > in');
  const blocked = `/proc/${writer.child.pid}/wchan`;
  if (fs.existsSync(blocked)) await until(() => /fifo|partner|^0$/.test(fs.readFileSync(blocked, 'utf8')));
  const { reader, lines } = open(fifo);
  await reader.drain(10_000);
  expect(lines).toEqual(['waited']);
  expect(await writer.done).toBe(0);
});

it('drains at once when the last writer goes, and after the grace if one stays', async () => {
  const stays = await reading();
  const writer = fs.openSync(stays.path, O_WRONLY | O_NONBLOCK);
  fs.writeSync(writer, 'whole\nhalf');
  await stays.reader.drain(50);
  expect(stays.lines).toEqual(['whole', 'half']);
  expect(() => fs.writeSync(writer, 'late\n')).toThrow(expect.objectContaining({ code: 'EPIPE' }));
  fs.closeSync(writer);

  const goes = await reading();
  const other = fs.openSync(goes.path, O_WRONLY | O_NONBLOCK);
  fs.writeSync(other, 'last');
  const drained = goes.reader.drain(1_000_000);
  fs.closeSync(other);
  await drained;
  expect(goes.lines).toEqual(['last']);
});

it('drains in bounded time from one who never stops', async () => {
  const { dir, reader, lines } = await reading();
  const writer = sh(dir, 'exec > in; while echo y; do :; done');
  await until(() => lines.length > 0);
  await reader.drain(20);
  await writer.done;
  expect(lines.every((line) => line === 'y')).toBe(true);
});

it('drains what is in the pipe even if it stays paused', async () => {
  const { path: fifo, reader, lines } = await reading();
  reader.pause();
  const writer = fs.openSync(fifo, O_WRONLY | O_NONBLOCK);
  const count = fill(writer, 0);
  await reader.drain(10);
  expect(lines).toHaveLength(count);
  fs.closeSync(writer);
});

it('knows whether the path still leads to it', async () => {
  const { path: fifo, reader, dir } = await reading();
  expect(reader.current()).toBe(true);
  fs.renameSync(fifo, path.join(dir, 'elsewhere'));
  expect(reader.current()).toBe(false);
  await mkfifos([fifo]);
  expect(reader.current()).toBe(false);
});

it('reports that it is gone when the last writer closes', async () => {
  const { path: fifo, lines, failures, reader } = await reading();
  const writer = fs.openSync(fifo, O_WRONLY | O_NONBLOCK);
  fs.unlinkSync(fifo);
  fs.writeFileSync(fifo, 'a file');
  fs.writeSync(writer, 'last');
  fs.closeSync(writer);
  await until(() => failures.length === 1);
  expect(lines).toEqual(['last']);
  expect(failures[0]!.message).toBe('not a FIFO');
  await reader.drain(10);
});

it('opens nothing but a FIFO', async () => {
  const dir = scratch();
  await mkfifos([path.join(dir, 'in')]);
  fs.writeFileSync(path.join(dir, 'file'), '');
  fs.symlinkSync('in', path.join(dir, 'link'));
  for (const name of ['file', 'link', 'nothing', '.']) {
    expect(() => openFifo(path.join(dir, name), { data() {}, eof() {}, error() {} })).toThrow();
  }
  // And holds none of them open.
  const open = fs.existsSync('/proc/self/fd')
    ? fs.readdirSync('/proc/self/fd').map((fd) => link(`/proc/self/fd/${fd}`))
    : [];
  expect(open.filter((name) => name.startsWith(dir))).toEqual([]);
});

const link = (name: string): string => {
  try {
    return fs.readlinkSync(name);
  } catch {
    return '';
  }
};

it('holds one descriptor whatever happens', async () => {
  const { dir, path: fifo, reader, lines } = await reading();
  await sh(dir, 'i=0; while [ $i -lt 200 ]; do echo $i > in; i=$((i+1)); done').done;
  await until(() => lines.length === 200);
  await turns(5);
  const held = () => fs.readdirSync('/proc/self/fd').filter((fd) => link(`/proc/self/fd/${fd}`) === fifo).length;
  if (fs.existsSync('/proc/self/fd')) {
    expect(held()).toBe(1);
    reader.close();
    await until(() => held() === 0);
  }
});
