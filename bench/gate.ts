/**
 * `npm run bench:gate`: whether anything has become twice as expensive. No figure of this machine is looked at, only
 * what something costs as a multiple of a reference that is measured in turns with it; the least of some rounds on
 * both sides, because whatever disturbs only adds. See README.md beside this file.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { flood, median, type Sink, withSuite } from './measure.ts';
import { written } from './outbound.ts';
import { cpu, memory } from './processes.ts';
import { load, MIXED, measure, reference } from './reader.ts';
import { deliver, environment, type Suite } from './suite.ts';

/** A ratio may be so many times the usual one. */
const ROOM = 1.7;

/** What the ratios are: to be measured again where a change has made one of them smaller for good. */
const USUAL = {
  'reading XML, of Buffer.indexOf': 12,
  'start: CPU, of four node': 2.6,
  'start: memory, of four node': 1.62,
  'in: sj, of a plain script': 0.58,
  'in: messaged, of a plain script': 2.7,
  'out: sj, of a plain script': 0.3,
  'out: messaged, of a plain script': 2.7,
};

type Name = keyof typeof USUAL;
type Ratios = Partial<Record<Name, number>>;

const bin = path.join(import.meta.dirname, '..', 'bin');
const least = (numbers: readonly number[]): number => Math.min(...numbers);

async function reading(): Promise<Ratios> {
  const reader = await load(path.join(import.meta.dirname, '..'));
  const input = { bytes: MIXED, chunk: 65_536, mode: 'stream', build: false } as const;
  measure(input, reader);
  const ratios = Array.from({ length: 15 }, () => reference(MIXED) / measure(input, reader));
  return { 'reading XML, of Buffer.indexOf': median(ratios) };
}

/** So long, in milliseconds, after the first message there is nothing left of the start. */
const STARTED = 700;

async function starting(): Promise<Ratios> {
  const ours: { cpu: number; memory: number }[] = [];
  const theirs: typeof ours = [];
  const look = (pids: number[]) => ({ cpu: cpu(pids), memory: memory(pids, 'Pss_Anon') });
  for (let i = 0; i < 5; i++) {
    await withSuite(bin, async (suite) => {
      await deliver(suite, 0, 'hello');
      await wait(STARTED);
      ours.push(look(suite.pids()));
    });
    const nodes = Array.from({ length: 4 }, () => nothing());
    await wait(STARTED);
    theirs.push(look(nodes.map(({ pid }) => pid!)));
    for (const node of nodes) node.kill('SIGKILL');
  }
  const of = (what: 'cpu' | 'memory') => least(ours.map((one) => one[what])) / least(theirs.map((one) => one[what]));
  return { 'start: CPU, of four node': of('cpu'), 'start: memory, of four node': of('memory') };
}

const nothing = () =>
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore', env: environment() });

/** Messages of a round; the script is so fast that it gets more. */
const MESSAGES = 15_000;
const MORE = 4;
const CONTACTS = 20;
const ROUNDS = 8;

async function writing(): Promise<Ratios> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-gate-'));
  const script = spawn(process.execPath, [path.join(import.meta.dirname, 'reference.mjs'), dir], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: environment(),
  });
  const sink: Sink = {
    server: { send: (text) => new Promise((resolve) => void script.stdin!.write(text, () => resolve())) },
    file: (n, name) => path.join(dir, `c${n}@bench.example`, name),
  };
  try {
    return await withSuite(bin, (suite) => compare(suite, sink, script.pid!));
  } finally {
    script.kill('SIGKILL');
    fs.rmSync(dir, { recursive: true });
  }
}

async function compare(suite: Suite, script: Sink, pid: number): Promise<Ratios> {
  const sj = [suite.pid('sj')];
  const messaged = [suite.pid('messaged')];
  const costs: Record<'in sj' | 'in messaged' | 'out sj' | 'out messaged' | 'plain', number[]> = {
    'in sj': [],
    'in messaged': [],
    'out sj': [],
    'out messaged': [],
    plain: [],
  };
  await flood(suite, CONTACTS, CONTACTS);
  await flood(script, CONTACTS, CONTACTS);
  for (let i = 0; i < ROUNDS; i++) {
    let before = [cpu(sj), cpu(messaged)];
    await flood(suite, MESSAGES, CONTACTS);
    costs['in sj'].push(cpu(sj) - before[0]!);
    costs['in messaged'].push(cpu(messaged) - before[1]!);
    before = [cpu([pid])];
    await flood(script, MORE * MESSAGES, CONTACTS);
    costs.plain.push((cpu([pid]) - before[0]!) / MORE);
    before = [cpu(sj), cpu(messaged)];
    await written(suite, MESSAGES);
    costs['out sj'].push(cpu(sj) - before[0]!);
    costs['out messaged'].push(cpu(messaged) - before[1]!);
  }
  const of = (what: keyof typeof costs) => least(costs[what]) / least(costs.plain);
  return {
    'in: sj, of a plain script': of('in sj'),
    'in: messaged, of a plain script': of('in messaged'),
    'out: sj, of a plain script': of('out sj'),
    'out: messaged, of a plain script': of('out messaged'),
  };
}

/** What is too much is measured again so often: a neighbour on the machine may have been noisy, a doubling stays. */
const TRIES = 3;

async function main(): Promise<boolean> {
  const found: Ratios = {};
  const tooMuch = () => Object.entries(USUAL).some(([name, usual]) => found[name as Name]! > usual * ROOM);
  for (let i = 0; i === 0 || (i < TRIES && tooMuch()); i++) {
    const now = { ...(await reading()), ...(await starting()), ...(await writing()) };
    for (const name of Object.keys(USUAL) as Name[])
      found[name] = Math.min(found[name] ?? Number.POSITIVE_INFINITY, now[name]!);
  }
  let good = true;
  console.log(`${''.padEnd(36)}   ratio   usual  at most`);
  for (const [name, usual] of Object.entries(USUAL)) {
    const ratio = found[name as Name]!;
    const ok = ratio <= usual * ROOM;
    good &&= ok;
    const columns = [ratio, usual, usual * ROOM].map((number) => number.toFixed(2).padStart(8));
    console.log(`${name.padEnd(36)}${columns.join('')}${ok ? '' : '  too much'}`);
  }
  return good;
}

main().then(
  (good) => process.exit(good ? 0 : 1),
  (error: Error) => {
    console.error(`bench: fatal: ${error.message}`);
    process.exit(1);
  },
);
