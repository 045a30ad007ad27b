import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { mkfifos } from '../../../lib/sys/mkfifo.ts';
import { openOutlet } from '../../../lib/sys/outlet.ts';
import { bundle } from '../cli/probe.ts';
import { scratch, sh, until } from './scratch.ts';

const { O_NONBLOCK, O_RDONLY } = fs.constants;

/** What became of each line: null or the error's message. */
function fates() {
  const seen: (string | null)[] = [];
  return { seen, fate: (error: Error | null) => void seen.push(error?.message ?? null) };
}

async function fifo(): Promise<string> {
  const file = path.join(scratch(), 'in');
  await mkfifos([file]);
  return file;
}

/** Reads what a FIFO has now. */
function take(fd: number): string {
  const buffer = Buffer.alloc(1 << 20);
  try {
    return buffer.toString('utf8', 0, fs.readSync(fd, buffer));
  } catch {
    return '';
  }
}

function openReader(file: string): number {
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK);
  onTestFinished(() => {
    try {
      fs.closeSync(fd);
    } catch {}
  });
  return fd;
}

it('appends to a plain file', async () => {
  const file = path.join(scratch(), 'in');
  fs.writeFileSync(file, 'old\n');
  const outlet = openOutlet(file);
  const { seen, fate } = fates();
  outlet.send('one', fate);
  outlet.send('two é', fate);
  await outlet.end();
  expect(fs.readFileSync(file, 'utf8')).toBe('old\none\ntwo é\n');
  expect(seen).toEqual([null, null]);
});

it('makes no file, and finds the one that comes later', async () => {
  const file = path.join(scratch(), 'in');
  const outlet = openOutlet(file);
  const failures: Error[] = [];
  outlet.onError((error) => failures.push(error));
  const { seen, fate } = fates();
  outlet.send('one', fate);
  await outlet.end();
  expect(seen).toEqual([expect.stringContaining('ENOENT')]);
  expect(failures).toEqual([expect.objectContaining({ code: 'ENOENT' })]);
  expect(outlet.broken).toBe(true);
  expect(fs.existsSync(file)).toBe(false);

  fs.writeFileSync(file, '');
  outlet.send('two', fate);
  await outlet.end();
  expect(outlet.broken).toBe(false);
  expect(fs.readFileSync(file, 'utf8')).toBe('two\n');
});

it('says that sj is not running where nobody reads the FIFO, and does not wait', async () => {
  const file = await fifo();
  const outlet = openOutlet(file);
  const { seen, fate } = fates();
  outlet.send('one', fate);
  await outlet.end();
  expect(seen).toEqual(['sj is not running']);

  const reader = openReader(file);
  outlet.send('two', fate);
  await outlet.end();
  expect(take(reader)).toBe('two\n');
  expect(seen).toEqual(['sj is not running', null]);
});

it('writes into a FIFO so that lines of several writers do not mix', async () => {
  const file = await fifo();
  const reader = openReader(file);
  // Four processes, and a reader that is slower than they are.
  const program = bundle(`
    import { openOutlet } from './lib/sys/outlet.ts';
    const outlet = openOutlet(process.argv[2]!);
    const outgoingOf = process.argv[3]!;
    for (let i = 0; i < 1500; i++) outlet.send(outgoingOf.repeat(20 + (i % 400)) + i);
    for (let i = 0; i < 5; i++) outlet.send(outgoingOf.repeat(4095));
    void outlet.end();
  `);
  onTestFinished(program.remove);
  const writers = ['a', 'b', 'c', 'd'].map((outgoingOf) => {
    const child = spawn(process.execPath, [program.file, file, outgoingOf], { stdio: 'inherit' });
    onTestFinished(() => void child.kill('SIGKILL'));
    return new Promise<number | null>((resolve) => child.on('exit', resolve));
  });
  let all = '';
  let running = true;
  const done = Promise.all(writers).then((codes) => {
    running = false;
    return codes;
  });
  while (running) {
    all += take(reader);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(await done).toEqual([0, 0, 0, 0]);
  for (let more: string; (more = take(reader)) !== ''; ) all += more;
  const lines = all.split('\n').slice(0, -1);
  expect(lines).toHaveLength(4 * 1505);
  for (const outgoingOf of ['a', 'b', 'c', 'd']) {
    const mine = lines.filter((line) => line.startsWith(outgoingOf));
    expect(mine.slice(0, 1500)).toEqual(Array.from({ length: 1500 }, (_, i) => outgoingOf.repeat(20 + (i % 400)) + i));
    expect(mine.slice(1500)).toEqual(Array(5).fill(outgoingOf.repeat(4095)));
  }
});

it('writes what is longer than a pipe takes at once, holding the lock', async () => {
  const file = await fifo();
  const lock = path.join(path.dirname(file), '.in.lock');
  const reader = openReader(file);
  fs.mkdirSync(lock);
  const outlet = openOutlet(file);
  const long = 'x'.repeat(200_000);
  outlet.send(long);
  outlet.send('after');
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(take(reader)).toBe('');
  fs.rmdirSync(lock);
  const ended = outlet.end();
  let all = '';
  await until(() => {
    all += take(reader);
    return all.endsWith('after\n');
  });
  await ended;
  expect(all).toBe(`${long}\nafter\n`);
  expect(fs.existsSync(lock)).toBe(false);
});

it('breaks a lock that was left behind', async () => {
  const file = await fifo();
  const lock = path.join(path.dirname(file), '.in.lock');
  fs.mkdirSync(lock);
  fs.utimesSync(lock, new Date(Date.now() - 61_000), new Date(Date.now() - 61_000));
  const reader = openReader(file);
  const outlet = openOutlet(file);
  outlet.send('y'.repeat(5000));
  await outlet.end();
  expect(take(reader)).toBe(`${'y'.repeat(5000)}\n`);
});

it('asks to wait when a reader of the FIFO is slow, and gives up when told to', async () => {
  const file = await fifo();
  const reader = openReader(file);
  const outlet = openOutlet(file);
  const { seen, fate } = fates();
  let drained = 0;
  outlet.onDrain(() => drained++);
  let count = 0;
  while (outlet.send('z'.repeat(1000), fate)) count++;
  expect(count * 1000).toBeGreaterThan(200_000);
  let all = '';
  await until(() => {
    all += take(reader);
    return drained > 0;
  });
  expect(all).toHaveLength((count + 1) * 1001);
  expect(seen).toHaveLength(count + 1);

  seen.length = 0;
  while (outlet.send('z'.repeat(1000), fate));
  await outlet.end(50);
  expect(seen.at(-1)).toBe('nobody reads what is sent');
  expect(seen).toHaveLength(count + 1);
  all = take(reader);
  expect(all).toBe(`${'z'.repeat(1000)}\n`.repeat(seen.indexOf('nobody reads what is sent')));
});

/** A descriptor whose other side is another process, which reads into the file `got` once it is told to. */
async function piped() {
  const dir = scratch();
  await mkfifos([path.join(dir, 'pipe'), path.join(dir, 'go')]);
  const far = sh(dir, 'exec < pipe; read go < go; exec cat > got');
  const fd = await new Promise<number>((resolve) =>
    fs.open(path.join(dir, 'pipe'), 'w', (_, opened) => resolve(opened)),
  );
  return {
    far: far.child,
    name: `/dev/fd/${fd}`,
    go: () => fs.writeFileSync(path.join(dir, 'go'), 'go\n'),
    got: async () => {
      await far.done;
      return fs.readFileSync(path.join(dir, 'got'), 'utf8');
    },
  };
}

it('sends on a descriptor, and tells each line that it was taken', async () => {
  const { name, go, got } = await piped();
  const outlet = openOutlet(name);
  const { seen, fate } = fates();
  for (let i = 0; i < 100; i++) expect(outlet.send(`line ${i}`, fate)).toBe(true);
  await outlet.end();
  expect(seen).toEqual(Array(100).fill(null));
  go();
  expect(await got()).toBe(Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(''));
});

/** Sends until it is asked to wait. @returns how many lines */
async function flood(outlet: ReturnType<typeof openOutlet>, fate: (error: Error | null) => void): Promise<number> {
  for (let count = 1; ; count++) {
    if (!outlet.send('w'.repeat(1000), fate)) return count;
    await new Promise(setImmediate);
  }
}

it('asks to wait when the other side is slow, and goes on when it is not', async () => {
  const { name, go, got } = await piped();
  const outlet = openOutlet(name);
  const { seen, fate } = fates();
  let drained = 0;
  outlet.onDrain(() => drained++);
  const count = await flood(outlet, fate);
  expect(count).toBeLessThan(1000);
  expect([drained, seen.length < count]).toEqual([0, true]);
  go();
  await until(() => drained > 0);
  await outlet.end();
  expect(seen).toEqual(Array(count).fill(null));
  expect(await got()).toBe(`${'w'.repeat(1000)}\n`.repeat(count));
});

it('tells each line that was lost when the other side goes, and those after', async () => {
  const { name, far } = await piped();
  const outlet = openOutlet(name);
  const { seen, fate } = fates();
  const failures: Error[] = [];
  let drained = 0;
  outlet.onError((error) => failures.push(error));
  outlet.onDrain(() => drained++);
  const count = await flood(outlet, fate);
  far.kill('SIGKILL');
  await until(() => outlet.broken && seen.length === count);
  expect(seen.at(-1)).not.toBe(null);
  await until(() => drained > 0);
  expect(failures).toHaveLength(1);
  outlet.send('later', fate);
  expect(seen).toHaveLength(count + 1);
  expect(seen.at(-1)).not.toBe(null);
  await outlet.end();
});

it('gives up on a descriptor that nobody reads', async () => {
  const { name } = await piped();
  const outlet = openOutlet(name);
  const { seen, fate } = fates();
  const count = await flood(outlet, fate);
  await outlet.end(50);
  expect(seen).toHaveLength(count);
  expect(seen.at(-1)).not.toBe(null);
});

it('writes to a file on a descriptor', async () => {
  const file = path.join(scratch(), 'file');
  const fd = fs.openSync(file, 'w');
  const outlet = openOutlet(`/dev/fd/${fd}`);
  const { seen, fate } = fates();
  outlet.send('one', fate);
  outlet.send('two', fate);
  await outlet.end();
  fs.closeSync(fd);
  expect(fs.readFileSync(file, 'utf8')).toBe('one\ntwo\n');
  const nowhere = openOutlet(`/dev/fd/${fs.openSync('/dev/null', 'w')}`);
  nowhere.send('x', fate);
  expect(seen).toEqual([null, null, null]);
});

it('throws for a descriptor that nobody has passed', () => {
  expect(() => openOutlet('/dev/fd/987')).toThrow();
});
