import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createJournal } from '../../../lib/chat/journal.ts';
import { createStateReader } from '../../../lib/chat/state.ts';
import { openRedo } from '../../../lib/store/redo.ts';
import { ensureContact } from '../../../lib/tree/contact.ts';
import { bundle } from '../cli/probe.ts';
import { scratch } from '../sys/scratch.ts';

function journaling(dir = scratch()) {
  const warnings: string[] = [];
  const full: boolean[] = [];
  const journal = createJournal(dir, { warn: (message) => warnings.push(message), full: (is) => full.push(is) });
  onTestFinished(() => void journal.close());
  const read = (...names: string[]) => fs.readFileSync(path.join(dir, ...names), 'utf8');
  return { dir, journal, warnings, full, read };
}

it('writes a batch with one append for each file', () => {
  const { dir, journal, warnings, read } = journaling();
  ensureContact(dir, 'a@x');
  ensureContact(dir, 'b@x');
  const seen: string[] = [];
  journal.add('a@x', 'one\n', '1\n');
  journal.add('b@x', 'two\n', '2\n');
  journal.add('a@x', '', '3\n');
  journal.event('message', 'a@x', 'one', true);
  expect(fs.readdirSync(path.join(dir, 'a@x'))).toEqual(['id']);
  journal.flush();
  journal.flush();
  expect([read('a@x', 'out'), read('a@x', 'log'), read('b@x', 'out'), read('b@x', 'log')]).toEqual([
    'one\n',
    '1\n3\n',
    'two\n',
    '2\n',
  ]);
  expect(read('events').split('\n').at(-2)).toMatch(/\tmessage\ta@x\tone$/);
  expect([seen, warnings]).toEqual([[], []]);
});

it('makes a directory again that somebody has removed', () => {
  const { journal, read, dir } = journaling();
  journal.add('a@x', 'one\n', '1\n');
  journal.flush();
  fs.rmSync(path.join(dir, 'a@x'), { recursive: true });
  journal.add('a@x', 'two\n', '2\n');
  journal.flush();
  expect([read('a@x', 'out'), read('a@x', 'log'), read('a@x', 'id')]).toEqual(['two\n', '2\n', 'a@x\n']);
});

it('says once that a file cannot be written, writes the others, and that one when it can be', () => {
  const { dir, journal, warnings, read } = journaling();
  fs.mkdirSync(path.join(dir, ensureContact(dir, 'a@x').slice(dir.length), 'out'));
  for (const n of [1, 2]) {
    journal.add('a@x', `a${n}\n`, `${n}\n`);
    journal.add('b@x', `b${n}\n`, `${n}\n`);
    journal.flush();
  }
  expect(warnings).toEqual([expect.stringMatching(/a@x\/out: /)]);
  expect([read('a@x', 'log'), read('b@x', 'out')]).toEqual(['1\n2\n', 'b1\nb2\n']);
  // It works again, then not again.
  fs.rmdirSync(path.join(dir, 'a@x', 'out'));
  journal.add('a@x', 'a3\n', '');
  journal.flush();
  expect(read('a@x', 'out')).toBe('a1\na2\na3\n');
  fs.rmSync(path.join(dir, 'a@x', 'out'));
  fs.mkdirSync(path.join(dir, 'a@x', 'out'));
  journal.add('a@x', 'a4\n', '');
  journal.flush();
  expect(warnings).toHaveLength(2);
  expect(journal.close()).toBe(3);
});

it('takes more as soon as a log that was too large has begun anew', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const dir = scratch();
  const reader = createStateReader();
  const full: boolean[] = [];
  const kept = { redo: openRedo(dir, '.journal', reader, 100), state: reader.state() };
  const journal = createJournal(dir, { warn: () => {}, full: (is) => full.push(is) }, { kept });
  onTestFinished(() => void journal.close());
  for (let i = 0; i < 2; i++) {
    for (let n = 0; n < 6; n++) journal.add(`${n}@x`, 'o'.repeat(100), 'l'.repeat(100));
    journal.flush();
  }
  expect(full).toEqual([true]);
  // No clock runs here.
  while (full.at(-1)) await turn();
  expect(kept.redo.full).toBe(false);
});

it('keeps nothing of what was said after an orderly end', async () => {
  const dir = scratch();
  const reader = createStateReader();
  const kept = { redo: openRedo(dir, '.journal', reader), state: reader.state() };
  const journal = createJournal(dir, { warn: () => {}, full: () => {} }, { kept });
  const time = Date.now();
  const log = JSON.stringify({
    time: new Date(time).toISOString(),
    dir: 'in',
    from: 'bob@x/r',
    id: '1',
    body: 'secret',
  });
  kept.state.recent.add({ from: 'bob@x/r', id: '1', body: 'secret', time });
  journal.add('bob@x', 'secret\n', `${log}\n`);
  journal.flush();
  await journal.finish();
  journal.close();
  expect(fs.readdirSync(dir).sort()).toEqual(['.journal', 'bob@x', 'events']);
  expect(fs.readFileSync(path.join(dir, '.journal'), 'latin1')).not.toContain('secret');
  // It is still known when the server gives it again.
  const next = createStateReader();
  openRedo(dir, '.journal', next).close();
  const { recent } = next.state();
  recent.begin();
  expect(recent.repeats({ from: 'bob@x/r', id: '1', body: 'secret', time }, true)).toBe(true);
});

/** Runs a program that has the journal, in a directory of its own. @returns what it says, as JSON */
function elsewhere(source: string, wrap: (command: string) => string, dir: string): unknown {
  const program = bundle(`
    import fs from 'node:fs';
    import { createJournal } from './lib/chat/journal.ts';
    import { ensureContact } from './lib/tree/contact.ts';
    import { openRedo } from './lib/store/redo.ts';
    import { createStateReader } from './lib/chat/state.ts';
    const dir = process.argv[2]!;
    const warnings: string[] = [];
    const full: boolean[] = [];
    const done: number[] = [];
    const open = () => {
      const reader = createStateReader();
      const redo = openRedo(dir, '.journal', reader);
      return { redo, state: reader.state() };
    };
    const make = (kept?: ReturnType<typeof open>) =>
      createJournal(
        dir,
        { warn: (m) => warnings.push(m), full: (f) => full.push(f), done: (n) => done.push(n) },
        kept && { kept },
      );
    const read = (name: string) => fs.readFileSync(dir + '/' + name, 'utf8');
    ${source}
  `);
  onTestFinished(program.remove);
  return JSON.parse(
    execFileSync('sh', ['-c', wrap('"$1" "$2" "$3"'), 'sh', process.execPath, program.file, dir], { encoding: 'utf8' }),
  );
}

it('keeps what it has no descriptor to write with', () => {
  const result = elsewhere(
    `
    const journal = make();
    ensureContact(dir, 'a@x');
    process.umask(0o077);
    const held: number[] = [];
    try { for (;;) held.push(fs.openSync('/dev/null', 'r')); } catch {}
    journal.add('a@x', 'one\\n', '1\\n');
    journal.event('message', 'a@x', 'one', true);
    journal.flush();
    journal.add('a@x', 'two\\n', '2\\n');
    journal.flush();
    const before = warnings.length;
    for (const fd of held) fs.closeSync(fd);
    journal.flush();
    const lost = journal.close();
    console.log(JSON.stringify({ before, warnings, full, lost, out: read('a@x/out'), log: read('a@x/log') }));
    `,
    (command) => `ulimit -n 64; ${command}`,
    scratch(),
  );
  expect(result).toEqual({
    before: 1,
    warnings: [expect.stringMatching(/too many open files \(see ulimit -n\); it is kept/)],
    full: [],
    lost: 0,
    out: 'one\ntwo\n',
    log: '1\n2\n',
  });
});

const canMount = (() => {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

// A small disk of our own takes a system that lets users have one.
it.runIf(canMount)(
  'loses nothing on a full disk, asks to wait when there is much, and goes on when there is room',
  () => {
    const result = elsewhere(
      `
    const journal = make();
    ensureContact(dir, 'a@x');
    fs.writeFileSync(dir + '/ballast', Buffer.alloc(3_900_000));
    let n = 0;
    let expected = '';
    const batch = () => {
      for (let i = 0; i < 20; i++) {
        const record = String(n++).padStart(1000, '-') + '\\n';
        expected += record;
        journal.add('a@x', '', record);
      }
      journal.flush();
    };
    while (warnings.length === 0) batch();
    const torn = !read('a@x/log').endsWith('\\n');
    while (full.length === 0) batch();
    const kept = journal.close();
    fs.rmSync(dir + '/ballast');
    journal.flush();
    const lost = journal.close();
    console.log(JSON.stringify({ torn, kept: kept > 1_048_576, full, lost, warnings, whole: read('a@x/log') === expected }));
    `,
      (command) => `unshare -rm sh -c 'mount -t tmpfs -o size=4m none "$3" && exec ${command}' sh "$1" "$2" "$3"`,
      scratch(),
    );
    expect(result).toEqual({
      torn: true,
      kept: true,
      full: [true, false],
      lost: 0,
      warnings: [expect.stringMatching(/log: no space left on device; it is kept/)],
      whole: true,
    });
  },
);

it.runIf(canMount)('acknowledges nothing that a full disk does not take, and all of it when there is room', () => {
  const result = elsewhere(
    `
    ensureContact(dir, 'a@x');
    fs.writeFileSync(dir + '/ballast', Buffer.alloc(2_900_000));
    const kept = open();
    const journal = make(kept);
    journal.begin('P');
    let n = 0;
    let expected = '';
    const sent: string[] = [];
    const batch = () => {
      for (let i = 0; i < 20; i++) {
        const record = JSON.stringify({ dir: 'in', from: 'f', body: String(++n).padStart(900, '-') }) + '\\n';
        expected += record;
        journal.add('a@x', '', record);
        journal.through(n);
      }
      const id = String(n);
      journal.intend({ jid: 'a@x', id, body: id, room: false });
      journal.after(() => sent.push(id));
      journal.flush();
    };
    (async () => {
      while (warnings.length === 0) {
        batch();
        await journal.quiet();
      }
      const before = n;
      for (let i = 0; i < 5; i++) batch();
      await journal.quiet();
      const early = { done: done.at(-1)! < before, sent: sent.includes(String(n)), warnings: [...warnings] };
      fs.rmSync(dir + '/ballast');
      journal.flush();
      await journal.quiet();
      const late = { done: done.at(-1) === n, sent: sent.at(-1) === String(n) };
      const lost = journal.close();
      const again = open();
      const state = { n: again.state.position.n === n, intents: again.state.intents.size === sent.length };
      const missing = again.redo.missing.size;
      again.redo.close();
      console.log(JSON.stringify({ early, late, lost, state, missing, whole: read('a@x/log') === expected }));
    })();
    `,
    (command) => `unshare -rm sh -c 'mount -t tmpfs -o size=4m none "$3" && exec ${command}' sh "$1" "$2" "$3"`,
    scratch(),
  );
  expect(result).toEqual({
    early: {
      done: true,
      sent: false,
      warnings: [expect.stringMatching(/^cannot write .*: no space left on device; it/)],
    },
    late: { done: true, sent: true },
    lost: 0,
    state: { n: true, intents: true },
    missing: 0,
    whole: true,
  });
});
