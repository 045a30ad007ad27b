// A second back end, which knows nothing of XMPP, serves the whole tree with the same guarantees.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Control } from '../../lib/session/control.ts';
import { contents, events, newAccount, sh, until, untimed } from './bed/suite.ts';

let program = '';
beforeAll(() => {
  program = path.join(fs.mkdtempSync('/tmp/sj-lines-'), 'lines.cjs');
  const entry = path.resolve('test/lines/daemon.ts');
  const { metafile } = buildSync({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    metafile: true,
  });
  expect(Object.keys(metafile.inputs).filter((file) => file.includes('lib/xmpp'))).toEqual([]);
  return () => fs.rmSync(path.dirname(program), { recursive: true });
});

/** The connection program of the line protocol: it numbers what it hands out and hears what is done. */
function start(role: 'messages' | 'presence', dir: string) {
  const child: ChildProcess = spawn(process.execPath, [program, role, dir, 'me'], {
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
    env: { PATH: process.env.PATH, TZ: 'UTC' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const got: string[] = [];
  const controls: Control[] = [];
  let rest = '';
  child.stdin!.on('error', () => {});
  (child.stdio[3] as NodeJS.ReadableStream).setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith('\t')) controls.push(JSON.parse(line));
      else got.push(line);
    }
  });
  const give = (...lines: string[]) => void child.stdin!.write(lines.map((line) => `${line}\n`).join(''));
  const tell = (control: Control) => give(`\t${JSON.stringify(control)}`);
  const done = () => Math.max(0, ...controls.map((c) => (c.what === 'done' ? c.n : 0)));
  const ended = once(child, 'exit');
  return { child, got, controls, give, tell, done, ended };
}

type Lines = ReturnType<typeof start>;

async function end({ tell, child, ended }: Lines): Promise<void> {
  tell({ what: 'bye' });
  child.stdin!.end();
  await ended;
}

const isThere = (dir: string, ...names: string[]) => fs.existsSync(path.join(dir, ...names));

it('the line protocol has in, out, log and events', async () => {
  const dir = newAccount();
  const lines = start('messages', dir);
  lines.tell({ what: 'session', id: 'S', n: 0, resumed: false });
  lines.give('Bob\thello\u2028there', 'not an address!\tx', 'bob\t\taway');
  await until(() => lines.done() === 3 && isThere(dir, 'bob', 'in'));
  await sh(dir, "printf 'hi bob\\n' > bob/in");
  await until(() => lines.got.length === 1);
  expect(lines.got).toEqual(['bob\thi bob']);
  expect(contents(dir, 'bob', 'out')).not.toContain('hi bob');
  lines.tell({ what: 'sent', n: 1 });
  await until(() => contents(dir, 'bob', 'out').includes('hi bob'));
  await sh(dir, "printf '\\tno\\n' > bob/in");
  await until(() => contents(dir, 'bob', 'out').includes('not sent'));
  await end(lines);
  expect(untimed(contents(dir, 'bob', 'out'))).toBe(
    '<bob> hello\n<bob> there\n<me> hi bob\n-!- not sent (it begins with a TAB): \tno\n',
  );
  const log = contents(dir, 'bob', 'log').trimEnd().split('\n');
  expect(log.map((line) => JSON.parse(line).dir)).toEqual(['in', 'out', 'refused']);
  expect(contents(dir, 'bob', 'id')).toBe('bob\n');
  expect(events(dir)).toEqual([
    ['new', 'bob', ''],
    ['message', 'bob', 'hello'],
    ['error', '-', 'a message from what is not an address: not an address!'],
    ['error', 'bob', 'not sent: it begins with a TAB'],
  ]);
});

it('the line protocol loses and doubles nothing where its daemon is killed', async () => {
  const dir = newAccount();
  const all = Array.from({ length: 400 }, (_, i) => `bob\tline ${i}`);
  let lines = start('messages', dir);
  lines.tell({ what: 'session', id: 'S', n: 0, resumed: false });
  for (let round = 0; round < 4; round++) {
    // Everything from the last one that is done comes again, and the daemon is killed while it takes it.
    const total = (round + 1) * 100;
    lines.give(...all.slice(round * 100, total));
    await until(() => lines.done() > round * 100);
    lines.child.kill('SIGKILL');
    await lines.ended;
    const before = lines.done();
    lines = start('messages', dir);
    lines.tell({ what: 'session', id: 'S', n: before, resumed: true });
    lines.give(...all.slice(before, total));
    await until(() => Math.max(before, lines.done()) === total);
  }
  await until(() => isThere(dir, 'bob', 'in'));
  await sh(dir, "printf 'mine\\n' > bob/in");
  await until(() => lines.got.length === 1);
  lines.child.kill('SIGKILL');
  await lines.ended;
  lines = start('messages', dir);
  lines.tell({ what: 'session', id: 'S', n: 400, resumed: true });
  // It was taken by nobody as far as the daemon knows: it is offered again.
  await until(() => lines.got.length === 1);
  expect(lines.controls).toContainEqual({ what: 'again', n: 1 });
  lines.tell({ what: 'sent', n: 1 });
  await until(() => contents(dir, 'bob', 'out').includes('mine'));
  await end(lines);
  const out = untimed(contents(dir, 'bob', 'out'))
    .trimEnd()
    .split('\n');
  expect(out).toEqual([...all.map((line) => `<bob> ${line.slice(4)}`), '<me> mine']);
});

it('the line protocol has presence, of others and our own', async () => {
  const dir = newAccount();
  fs.writeFileSync(path.join(dir, 'mypresence'), 'away lunch\n');
  const lines = start('presence', dir);
  lines.tell({ what: 'session', id: 'S', n: 0, resumed: false });
  await until(() => lines.got.includes('*\t\taway lunch'));
  lines.give('bob\t\tdnd busy', 'bob\ta message', 'eve\t\tonline');
  await until(
    () => contents(dir, 'bob', 'presence') === 'dnd busy\n' && contents(dir, 'eve', 'presence') === 'online\n',
  );
  lines.give('bob\t\toffline');
  await until(() => contents(dir, 'bob', 'presence') === '');
  fs.writeFileSync(path.join(dir, 'eve', 'mypresence'), 'xa\n');
  await until(() => lines.got.includes('eve\t\txa'));
  await end(lines);
  expect(contents(dir, 'eve', 'presence')).toBe('');
  expect(events(dir).filter(([type]) => type === 'presence')).toEqual([
    ['presence', 'bob', 'dnd busy'],
    ['presence', 'eve', 'online'],
    ['presence', 'bob', 'offline'],
  ]);
});
