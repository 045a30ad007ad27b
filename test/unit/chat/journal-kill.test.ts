import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createJournal } from '../../../lib/chat/journal.ts';
import { createStateReader } from '../../../lib/chat/state.ts';
import { openRedo } from '../../../lib/store/redo.ts';
import { runs } from '../../runs.ts';
import { scratch } from '../sys/scratch.ts';
import { mortal } from './mortal.ts';

const CONTACTS = ['a@x', 'b@x', `${'c'.repeat(300)}@x`];
const LAST = 24;

/** What outlives messaged: how far its stanzas are acknowledged, and which lines were taken. */
type Other = { acknowledged: number; given: number; taken: string[]; written: number };

type Life = { readonly calls: number; readonly part: number; readonly choices: readonly number[] };

const contactOf = (n: number) => CONTACTS[n % CONTACTS.length]!;
const textOf = (what: string) => ({
  out: `<${what}>\n`,
  log: `${JSON.stringify({ dir: 'in', from: 'f', body: what })}\n`,
});

/** One life of messaged, until it is killed or has dealt with everything. @returns how many calls it made */
async function live(dir: string, other: Other, { calls, part, choices }: Life): Promise<number> {
  const system = mortal(calls, part);
  let close = () => {};
  try {
    const reader = createStateReader();
    // So small that it begins anew every few records.
    const redo = openRedo(dir, '.journal', reader, 600);
    close = redo.close;
    const state = reader.state();
    const journal = createJournal(
      dir,
      {
        warn: () => {},
        full: () => {},
        done(n) {
          if (!system.dead) other.acknowledged = n;
        },
      },
      { kept: { redo, state }, room: () => 2 },
    );
    close = () => void journal.close();
    journal.begin('P');
    const before = state.position.n;
    const sent = (id: string, jid: string) => {
      const { out, log } = textOf(id);
      journal.settle(id);
      journal.add(jid, out, log);
    };
    journal.flush();
    for (const { id, jid } of [...state.intents.values()]) {
      if (system.dead) return system.calls;
      if (!other.taken.includes(id)) other.taken.push(id);
      sent(id, jid);
    }
    journal.flush();
    let n = other.acknowledged;
    for (let step = 0; n < LAST && !system.dead; step++) {
      const choice = choices[step % choices.length]!;
      for (let i = 0; i <= choice % 4 && n < LAST; i++) {
        n++;
        if (n > before) {
          const { out, log } = textOf(`m${n}`);
          journal.add(contactOf(n), out, log);
        }
        journal.through(n);
      }
      if (choice % 3 === 0) {
        const id = `o${other.written++}`;
        const jid = contactOf(choice);
        journal.intend({ jid, id, body: id, room: false });
        journal.after(() => {
          if (system.dead) return;
          other.taken.push(id);
          sent(id, jid);
        });
      }
      journal.flush();
      if (choice % 5 === 0) await turn();
      if (choice % 7 === 0) await journal.quiet();
      if (choice % 11 === 0 && !system.dead) fs.appendFileSync(path.join(dir, 'events'), 'of somebody else\n');
    }
    journal.flush();
    await journal.quiet();
    return system.calls;
  } catch (error) {
    if (!system.dead) throw error;
    return system.calls;
  } finally {
    close();
    system.live();
  }
}

/** Everything is there once. */
function check(dir: string, other: Other): void {
  const bodies: string[] = [];
  const lines: string[] = [];
  for (const name of fs.readdirSync(dir)) {
    const place = path.join(dir, name);
    if (!fs.statSync(place).isDirectory()) continue;
    const read = (file: string) => fs.readFileSync(path.join(place, file), 'utf8').split('\n').slice(0, -1);
    const log = read('log').map((line): string => JSON.parse(line).body);
    const numbers = log.filter((body) => body.startsWith('m')).map((body) => Number(body.slice(1)));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    bodies.push(...log);
    lines.push(...read('out').map((line) => line.slice(1, -1)));
  }
  const expected = [...Array.from({ length: LAST }, (_, i) => `m${i + 1}`), ...other.taken].sort();
  expect(bodies.sort()).toEqual(expected);
  expect(lines.sort()).toEqual(expected);
  expect(fs.readdirSync(dir).filter((name) => name.startsWith('.tmp'))).toHaveLength(0);
}

const endless = Number.POSITIVE_INFINITY;

async function play(lives: readonly Life[]): Promise<number> {
  const dir = scratch();
  const other: Other = { acknowledged: 0, given: 0, taken: [], written: 0 };
  let calls = 0;
  for (const life of lives) calls = await live(dir, other, life);
  calls = await live(dir, other, { calls: endless, part: 0, choices: [1, 2, 7] });
  for (const name of fs.readdirSync(dir)) if (name.startsWith('.tmp')) fs.rmSync(path.join(dir, name));
  check(dir, other);
  return calls;
}

it('writes everything once, at whatever call it is killed, also while it starts again', async () => {
  const life = fc.record({
    calls: fc.nat(120),
    part: fc.constantFrom(0, 0.01, 0.3, 0.5, 0.9, 1),
    choices: fc.array(fc.nat(200), { minLength: 3, maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => void (await play(lives))),
    { numRuns: runs(150) },
  );
});

it('writes everything once when it is killed at each call of one life', async () => {
  const choices = [0, 15, 9, 2, 33, 6, 21, 4, 30];
  const whole = await play([]);
  expect(whole).toBeGreaterThan(20);
  for (let calls = 0; calls < 140; calls++) {
    for (const part of [0, 0.5, 1])
      await play([
        { calls, part, choices },
        { calls: 9, part: 0.5, choices },
      ]);
  }
});
