import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { LockedError, takeLock } from '../../../lib/sys/lock.ts';
import { bundle } from '../cli/probe.ts';
import { scratch, until } from './scratch.ts';

/** A process that takes the lock when it is told to, says what came of it, and holds it until it is killed. */
const program = bundle(`
  import { LockedError, takeLock } from './lib/sys/lock.ts';
  process.stdin.once('data', () => {
    try {
      const lock = takeLock(process.argv[2]!);
      console.log('took');
      process.stdin.once('data', () => console.log(lock.confirm() ? 'confirmed' : 'lost'));
    } catch (error) {
      console.log(error instanceof LockedError ? 'locked' : String(error));
    }
  });
  console.log('ready');
`);
afterAll(program.remove);

type Holder = { child: ChildProcess; said: string[]; tell(): void; kill(): Promise<void> };

async function holder(dir: string): Promise<Holder> {
  const child = spawn(process.execPath, [program.file, dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: string[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => said.push(line));
  await until(() => said.length > 0);
  said.shift();
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return {
    child,
    said,
    tell: () => child.stdin!.write('go\n'),
    kill() {
      child.kill('SIGKILL');
      return gone;
    },
  };
}

const lockOf = (dir: string) => path.join(dir, '.lock');

it('is held by one at a time', () => {
  const dir = scratch();
  const lock = takeLock(dir);
  expect(lock.confirm()).toBe(true);
  expect(fs.readFileSync(lockOf(dir), 'utf8')).toMatch(new RegExp(`^${process.pid} \\S+\n$`));
  lock.release();
  expect(fs.readdirSync(dir)).toEqual([]);
  takeLock(dir).release();
});

it('says who holds it', async () => {
  const dir = scratch();
  const other = await holder(dir);
  other.tell();
  await until(() => other.said.length === 1);
  expect(() => takeLock(dir)).toThrow(LockedError);
  expect(() => takeLock(dir)).toThrow(new RegExp(`pid ${other.child.pid}$`));
  expect(fs.readdirSync(dir)).toEqual(['.lock']);
});

it('is free when its holder was killed', async () => {
  const dir = scratch();
  const other = await holder(dir);
  other.tell();
  await until(() => other.said.length === 1);
  await other.kill();
  const lock = takeLock(dir);
  expect(lock.confirm()).toBe(true);
  lock.release();
});

it.skipIf(!fs.existsSync('/proc/1/stat'))('is free when its holder has ended and nobody has asked how', async () => {
  const dir = scratch();
  // sleep does not know that it has a child, so that stays a zombie.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [pid] = await once(createInterface({ input: parent.stdout }), 'line');
  const stat = () => fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  await until(() => fs.readFileSync(`/proc/${parent.pid}/comm`, 'latin1') === 'sleep\n');
  process.kill(Number(pid), 'SIGKILL');
  await until(() => stat()[0] === 'Z');
  fs.writeFileSync(lockOf(dir), `${pid} ${stat()[19]}\n`);
  const lock = takeLock(dir);
  expect(lock.confirm()).toBe(true);
  lock.release();
});

it.skipIf(!fs.existsSync('/proc/1/stat'))('is free when the pid belongs to another by now', () => {
  const dir = scratch();
  fs.writeFileSync(lockOf(dir), `${process.ppid} 1\n`);
  takeLock(dir).release();
  // Our own pid, too: in a container each start may have the same.
  fs.writeFileSync(lockOf(dir), `${process.pid} 1\n`);
  takeLock(dir).release();
});

it.each(['', 'nonsense', '\0\0\0\0'])('is free when the file says nothing: %j', (text) => {
  const dir = scratch();
  fs.writeFileSync(lockOf(dir), text);
  takeLock(dir).release();
});

it('is not released by one who has lost it', () => {
  const dir = scratch();
  const lock = takeLock(dir);
  fs.writeFileSync(lockOf(dir), '1 1\n');
  expect(lock.confirm()).toBe(false);
  lock.release();
  expect(fs.existsSync(lockOf(dir))).toBe(true);
});

it.each(['nobody', 'a dead one'])('goes to exactly one of several who want it at once from %s', async (from) => {
  const dir = scratch();
  const all = await Promise.all(Array.from({ length: 4 }, () => holder(dir)));
  if (from !== 'nobody') fs.writeFileSync(lockOf(dir), '999999999 1\n');
  for (const one of all) one.tell();
  await until(() => all.every(({ said }) => said.length === 1));
  const took = all.filter(({ said }) => said[0] === 'took');
  for (const one of took) one.tell();
  await until(() => took.every(({ said }) => said.length === 2));
  expect(took.filter(({ said }) => said[1] === 'confirmed')).toHaveLength(1);
  expect(fs.readdirSync(dir)).toEqual(['.lock']);
});

it.each(['a directory', 'a link', 'nothing'])('is lost when there is %s in its place, and that stays', (what) => {
  const dir = scratch();
  const lock = takeLock(dir);
  const file = path.join(dir, '.lock');
  fs.unlinkSync(file);
  if (what === 'a directory') fs.mkdirSync(file);
  if (what === 'a link') fs.symlinkSync('elsewhere', file);
  const before = fs.readdirSync(dir);
  expect(lock.confirm()).toBe(false);
  lock.release();
  expect(fs.readdirSync(dir)).toEqual(before);
});
