import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openRecords } from '../../../lib/store/records.ts';
import { type Entry, openRedo, putAside, type Redo, SpoiltLog } from '../../../lib/store/redo.ts';
import { scratch, until } from '../sys/scratch.ts';

const NAME = '.log';

function open(dir: string, limit?: number) {
  const notes: unknown[] = [];
  const redo = openRedo(dir, NAME, { record: (note) => notes.push(note) }, limit);
  onTestFinished(redo.close);
  const missing = Object.fromEntries([...redo.missing].map(([file, bytes]) => [file, bytes.toString()]));
  return { redo, missing, notes: notes.filter((note) => note !== undefined) };
}

/** Writes down a text for a file as it is now. */
function write(
  redo: Redo,
  dir: string,
  file: string,
  text: string,
  { kept = 0, applied = true, note = file as unknown } = {},
) {
  const stat = fs.statSync(path.join(dir, file), { throwIfNoEntry: false });
  redo.write([[file, stat?.ino ?? 0, stat?.size ?? 0, kept, text.length]], Buffer.from(text), note, applied);
}

const append = (dir: string, file: string, text: string) => fs.appendFileSync(path.join(dir, file), text);

/** What is missing when the log is opened after this. */
function after(work: (redo: Redo, dir: string) => void) {
  const dir = scratch();
  const { redo } = open(dir);
  work(redo, dir);
  redo.close();
  return open(dir).missing;
}

it('tells what is not in the files: all of it, a part, or nothing', () => {
  expect(after((redo, dir) => write(redo, dir, 'a', 'one\n'))).toEqual({ a: 'one\n' });
  expect(
    after((redo, dir) => {
      write(redo, dir, 'a', 'one\n');
      append(dir, 'a', 'on');
    }),
  ).toEqual({ a: 'e\n' });
  expect(
    after((redo, dir) => {
      write(redo, dir, 'a', 'one\n');
      append(dir, 'a', 'one\n');
    }),
  ).toEqual({});
});

it('does not take an equal line before for the one that is missing', () => {
  expect(
    after((redo, dir) => {
      append(dir, 'a', 'ok\n');
      write(redo, dir, 'a', 'ok\n');
    }),
  ).toEqual({ a: 'ok\n' });
});

it('finds what it has written among what others have', () => {
  expect(
    after((redo, dir) => {
      append(dir, 'events', 'before\n');
      write(redo, dir, 'events', 'mine\n');
      append(dir, 'events', 'theirs\nmine\ntheirs\n');
    }),
  ).toEqual({});
  expect(
    after((redo, dir) => {
      write(redo, dir, 'events', 'mine\n');
      append(dir, 'events', 'theirs\n');
    }),
  ).toEqual({ events: 'mine\n' });
});

it('does not write again what went away with its file, or was written before', () => {
  expect(
    after((redo, dir) => {
      write(redo, dir, 'a', 'one\n');
      append(dir, 'a', 'one\n');
      fs.renameSync(path.join(dir, 'a'), path.join(dir, 'a.1'));
      write(redo, dir, 'a', 'two\n');
    }),
  ).toEqual({ a: 'two\n' });
  expect(
    after((redo, dir) => {
      write(redo, dir, 'a', 'one\n');
      append(dir, 'a', 'one\n');
      redo.applied();
      fs.rmSync(path.join(dir, 'a'));
    }),
  ).toEqual({});
});

it('keeps what could not be appended yet, over a new beginning, too', async () => {
  const dir = scratch();
  const { redo } = open(dir, 10);
  write(redo, dir, 'a', 'one\n');
  write(redo, dir, 'b', 'bee\n', { applied: false });
  append(dir, 'b', 'bee\n');
  write(redo, dir, 'a', 'two\n', { kept: 4, applied: false });
  expect(redo.ripe).toBe(true);
  redo.turn('all', [['a', 0, 0, 0, 8]], Buffer.from('one\ntwo\n'));
  redo.close();
  for (const [i, file] of [`${NAME}.old`, NAME].entries())
    expect([i, fs.existsSync(path.join(dir, file))]).toEqual([i, true]);
  const again = open(dir, 10);
  expect([again.missing, again.notes]).toEqual([{ a: 'one\ntwo\n' }, ['a', 'b', 'a', 'all']]);
  await until(() => !fs.existsSync(path.join(dir, `${NAME}.old`)));
  again.redo.close();
  expect(open(dir).missing).toEqual({ a: 'one\ntwo\n' });
});

it('looks for everything since the new beginning when the system has been booted', () => {
  const dir = scratch();
  const log = openRecords(path.join(dir, NAME));
  const record = (head: { w?: Entry[]; a?: 1; b?: string; k?: 1 }, body = '') =>
    log.append(JSON.stringify(head), Buffer.from(body));
  append(dir, 'a', 'old\none\n');
  append(dir, 'c', 'see\nthere');
  const ino = (file: string) => fs.statSync(path.join(dir, file)).ino;
  record({ b: 'before', a: 1 });
  record({ w: [['a', ino('a'), 4, 0, 4]], a: 1 }, 'one\n');
  record(
    {
      w: [
        ['a', ino('a'), 8, 0, 4],
        ['b', 0, 0, 0, 4],
      ],
      a: 1,
    },
    'two\nbee\n',
  );
  record({ w: [['c', ino('c'), 4, 0, 6]], a: 1 }, 'there\n');
  record({ a: 1 });
  log.close();
  const first = open(dir);
  expect(first.missing).toEqual({ a: 'two\n', b: 'bee\n', c: '\n' });
  for (const [file, text] of Object.entries(first.missing)) append(dir, file, text);
  first.redo.applied();
  first.redo.close();
  expect(open(dir).missing).toEqual({});
});

it('syncs, and begins anew when it is large', async () => {
  const dir = scratch();
  const { redo } = open(dir, 1000);
  for (let i = 0; i < 70; i++) {
    write(redo, dir, `f${i}`, 'x'.repeat(20));
    append(dir, `f${i}`, 'x'.repeat(20));
  }
  expect(await new Promise((resolve) => redo.sync(resolve))).toBe(null);
  expect(redo.ripe).toBe(true);
  redo.turn('all', [], Buffer.alloc(0));
  expect(await new Promise((resolve) => redo.sync(resolve))).toBe(null);
  await until(() => !fs.existsSync(path.join(dir, `${NAME}.old`)));
  redo.close();
  const again = open(dir);
  expect([again.missing, again.notes]).toEqual([{}, ['all']]);
  expect(fs.statSync(path.join(dir, NAME)).size).toBeLessThan(1000);
});

it.each([
  'no JSON',
  'null',
  '{"w":7}',
  '{"w":[["a",0,0,0]]}',
  '{"w":[["a",0,0,0,-1]]}',
  ...['../a', '/a', 'a/../../b', '..', '.', 'a\\u0000', 'a//b', ''].map((file) => `{"w":[["${file}",0,0,0,1]]}`),
])('knows a log that it can not have written: %s', (head) => {
  const dir = scratch();
  const records = openRecords(path.join(dir, NAME));
  records.append(head, Buffer.from('x'));
  records.close();
  const descriptors = fs.readdirSync('/proc/self/fd').length;
  expect(() => openRedo(dir, NAME, { record: () => {} })).toThrow(SpoiltLog);
  expect(fs.readdirSync('/proc/self/fd')).toHaveLength(descriptors);
  putAside(dir, NAME);
  expect(fs.readdirSync(dir)).toEqual([`${NAME}.spoilt`]);
});

it('takes what is no regular file for one that has nothing', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'a'));
  const { redo } = open(dir);
  redo.write([['a', 0, 0, 0, 4]], Buffer.from('one\n'), 'a', true);
  redo.close();
  expect(open(dir).missing).toEqual({ a: 'one\n' });
});

/** Makes the log look as if the system had been booted since. */
function reboot(dir: string): void {
  const records: [string, Buffer][] = [];
  const file = path.join(dir, NAME);
  openRecords(file, (head, body) => records.push([head, Buffer.from(body)])).close();
  fs.rmSync(file);
  const log = openRecords(file);
  for (const [head, body] of records) log.append(head.replace(/"b":"[^"]*"/, '"b":"before"'), body);
  log.close();
}

const changes: [string, (file: string) => void][] = [
  ['removed', fs.rmSync],
  ['moved', (file) => fs.renameSync(file, `${file}.1`)],
  ['emptied', (file) => fs.truncateSync(file)],
  [
    'replaced',
    (file) => {
      fs.writeFileSync(`${file}.new`, 'another text that is longer than the one before\n');
      fs.renameSync(`${file}.new`, file);
    },
  ],
  ['removed with its directory', (file) => fs.rmSync(path.dirname(file), { recursive: true })],
];

it.each(changes)('leaves a file alone that the user has %s before a reboot', (_, change) => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'bob@x'));
  append(dir, 'bob@x/out', 'before\n');
  const { redo } = open(dir);
  write(redo, dir, 'bob@x/out', 'one\n');
  append(dir, 'bob@x/out', 'one\n');
  redo.close();
  change(path.join(dir, 'bob@x/out'));
  reboot(dir);
  expect(open(dir).missing).toEqual({});
});

it.each(changes)('leaves a new file alone that the user has %s once it was on the disk', async (_, change) => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'bob@x'));
  const { redo } = open(dir);
  write(redo, dir, 'bob@x/out', 'one\n');
  append(dir, 'bob@x/out', 'one\n');
  redo.settle();
  expect(redo.busy).toBe(true);
  await until(() => !redo.busy);
  redo.close();
  change(path.join(dir, 'bob@x/out'));
  reboot(dir);
  expect(open(dir).missing).toEqual({});
});

it('does not call on the disk what was written meanwhile', async () => {
  const dir = scratch();
  const { redo } = open(dir);
  write(redo, dir, 'a', 'one\n');
  append(dir, 'a', 'one\n');
  redo.settle();
  write(redo, dir, 'b', 'two\n');
  await until(() => !redo.busy);
  redo.close();
  reboot(dir);
  fs.rmSync(path.join(dir, 'a'));
  expect(open(dir).missing).toEqual({ a: 'one\n', b: 'two\n' });
});
