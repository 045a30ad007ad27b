/**
 * `npm run test:power -- [--cuts N] [--rounds N] [--seed S] [--model any]`: traffic with a real server while everything that our programs
 * do to the directory is recorded; then the directory as a power failure at random moments may have left it, and a start
 * on each of these copies.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULTS } from '../crash/faults.ts';
import { createRandom } from '../crash/random.ts';
import { CONTACTS, run, US } from '../crash/run.ts';
import { DOMAIN, kinds } from '../crash/servers.ts';
import { check } from './check.ts';
import { leftAfter, type Model, readRecord, saidBefore, toldBefore } from './record.ts';

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string' },
    /** What of the disk is trusted: `ordered` or `any`, see record.ts. */
    model: { type: 'string', default: 'ordered' },
  },
});
const say = (text: string) => void process.stdout.write(`${text}\n`);
/** A program that is killed may have recorded what it did not do any more; these end connections only. */
const GENTLE = /^(reset|half-close.*|delay|black hole|server .*)$/;

async function main(): Promise<void> {
  execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const random = createRandom(seed);
  say(`seed ${seed}`);
  const place = fs.mkdtempSync(join(tmpdir(), 'sj-power-'));
  const record = join(place, 'record');
  const recorder = join(import.meta.dirname, 'recorder.cjs');
  const report = await run({
    kind: kinds([US, ...CONTACTS]).prosody,
    random,
    rounds: Number(values.rounds),
    faults: FAULTS.filter(({ name }) => GENTLE.test(name)),
    env: (dir) => ({ NODE_OPTIONS: `--require ${recorder}`, SJ_RECORD: record, SJ_RECORD_DIR: dir }),
    say,
  });
  if (report.wrong.length > 0) throw new Error(`not even without a power failure: ${report.wrong.join('\n')}`);

  const ops = readRecord(fs.readFileSync(record, 'utf8').split('\n').slice(0, -1));
  const kinds_ = new Map<string, number>();
  for (const { op } of ops) kinds_.set(op, (kinds_.get(op) ?? 0) + 1);
  say(`recorded: ${[...kinds_].map(([op, count]) => `${op} ${count}`).join(', ')}`);
  const own = `${US}@${DOMAIN}`;
  let [bad, forgotten, again] = [0, 0, 0];
  for (let i = 1; i <= Number(values.cuts); i++) {
    const cut = random.below(ops.length);
    const dir = join(place, `cut-${i}`);
    const finding = await check(
      dir,
      own,
      leftAfter(ops, cut, values.model as Model, random),
      saidBefore(ops, cut),
      toldBefore(ops, cut),
    );
    forgotten += finding.forgotten;
    again += finding.again;
    if (finding.wrong.length === 0) {
      fs.rmSync(dir, { recursive: true });
      continue;
    }
    bad++;
    say(`cut ${i}, before operation ${cut} of ${ops.length}: ${dir}`);
    for (const what of finding.wrong.slice(0, 5)) say(`    ${what}`);
  }
  say(`${values.cuts} cuts, ${bad} of them bad`);
  say(`lines that were sent again after a cut: ${again}; messages sent, and not in the history: ${forgotten}`);
  if (bad === 0) fs.rmSync(place, { recursive: true });
  else process.exitCode = 1;
}

void main().then(
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
