/** `npm run fuzz -- [--minutes N] [--seed S] [--only wire|in|stdin|tree] [--case SEED] [--file CASE]` */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Case, KINDS, type Kind, make, run } from './kinds.ts';
import { minimise } from './minimise.ts';
import type { Complaint } from './oracle.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    only: { type: 'string' },
    case: { type: 'string' },
    file: { type: 'string' },
    keep: { type: 'string', default: path.join(os.tmpdir(), 'sj-fuzz-findings') },
    minimise: { type: 'boolean', default: false },
  },
});

const tell = (found: readonly Complaint[]) => {
  for (const { what, detail } of found.slice(0, 5)) console.log(`  ${what}: ${detail.slice(0, 1500)}`);
};

/** How often a case is tried again: what never comes again was the machine's, and is told, but not held against us. */
const AGAIN = 3;

async function comesAgain(kind: Kind, seed: string): Promise<boolean> {
  for (let i = 0; i < AGAIN; i++) if ((await run(make(kind, seed))).length > 0) return true;
  return false;
}

async function fuzz(kind: Kind, until: number): Promise<number> {
  let cases = 0;
  let bad = 0;
  let once = 0;
  for (let i = 0; performance.now() < until; i++) {
    const seed = `${values.seed} ${i}`;
    const found = await run(make(kind, seed));
    cases++;
    if (found.length === 0) continue;
    if (await comesAgain(kind, seed)) bad++;
    else once++;
    console.log(`FOUND ${kind}, --only ${kind} --case '${seed}'`);
    tell(found);
    await keep(make(kind, seed), found, `${kind}-${seed.replaceAll(' ', '-')}`);
  }
  console.log(`${kind}: ${cases} cases, ${bad} with complaints, ${once} with complaints that did not come again`);
  return bad;
}

async function keep(given: Case, found: readonly Complaint[], name: string): Promise<void> {
  fs.mkdirSync(values.keep, { recursive: true });
  const small = values.minimise ? await minimise(given, found) : given;
  const file = path.join(values.keep, `${name}.json`);
  fs.writeFileSync(file, `${JSON.stringify(small, null, 1)}\n`);
  console.log(`  in ${file}`);
}

async function main(): Promise<void> {
  const kinds = KINDS.filter((kind) => values.only === undefined || values.only.split(',').includes(kind));
  if (values.file !== undefined || values.case !== undefined) {
    const given =
      values.file === undefined
        ? make(kinds[0]!, values.case!)
        : (JSON.parse(fs.readFileSync(values.file, 'utf8')) as Case);
    const found = await run(given);
    console.log(found.length === 0 ? 'no complaints' : `${found.length} complaints`);
    tell(found);
    if (found.length > 0 && values.minimise) await keep(given, found, `small-${given.kind}`);
    process.exit(found.length === 0 ? 0 : 1);
  }
  console.log(`fuzz: --seed ${values.seed}, ${values.minutes} minutes: ${kinds.join(', ')}`);
  const end = performance.now() + Number(values.minutes) * 60_000;
  const bad = await Promise.all(kinds.map((kind) => fuzz(kind, end)));
  process.exit(bad.some((n) => n > 0) ? 1 : 0);
}

void main();
