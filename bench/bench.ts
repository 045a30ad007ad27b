/**
 * `npm run bench -- [--against DIR] [--only A,B] [--reps N] [--n N] [--json FILE]`: measures the suite as it is built in
 * bin/, and another one in turns with it. See README.md beside this file.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { inbound20, inbound900, long20, managed20 } from './inbound.ts';
import { large, pieces } from './large.ts';
import { crowd, newRoster, quiet, roster } from './many.ts';
import { type Measure, median } from './measure.ts';
import { outbound } from './outbound.ts';
import { safety } from './safety.ts';
import { floor, idle, latency, startup } from './still.ts';

const MEASURES: Record<string, Measure> = {
  floor,
  startup,
  idle,
  quiet,
  latency,
  inbound: inbound20,
  managed: managed20,
  contacts: inbound900,
  long: long20,
  crowd,
  roster,
  newroster: newRoster,
  outbound,
  large,
  pieces,
  safety,
};

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    only: { type: 'string', default: Object.keys(MEASURES).join() },
    reps: { type: 'string', default: '5' },
    n: { type: 'string', default: '50000' },
    json: { type: 'string' },
  },
});

/** The folder of a build's programs: of a checkout, or the folder itself. */
function programs(dir: string): string {
  const found = [path.join(dir, 'bin'), dir].find((place) => fs.existsSync(path.join(place, 'messaged')));
  if (found === undefined) throw new Error(`${dir}: no programs; run npm run build there`);
  return path.resolve(found);
}

type Row = { name: string; ours: number[]; theirs: number[] };

const shown = (number: number | undefined): string =>
  number === undefined ? '' : number >= 1000 ? Math.round(number).toLocaleString('en') : number.toPrecision(3);

function print(title: string, ours: string, theirs: string, ratio: string, load: string): void {
  const other = values.against === undefined ? '' : theirs.padStart(12) + ratio.padStart(9);
  console.log(`${title.padEnd(56)}${ours.padStart(12)}${other}${load.padStart(20)}`);
}

async function main(): Promise<void> {
  const ours = programs(path.join(import.meta.dirname, '..'));
  const theirs = values.against === undefined ? null : programs(values.against);
  const table: Row[] = [];
  print('', 'this', 'other', 'ratio', 'from - to');
  for (const key of values.only.split(',')) {
    const measure = MEASURES[key];
    if (measure === undefined) throw new Error(`no such row: ${key}; there are ${Object.keys(MEASURES).join(', ')}`);
    const found = new Map<string, Row>();
    for (let i = 0; i < Number(values.reps); i++) {
      // Who begins takes turns, too.
      const turns = i % 2 === 0 ? [ours, theirs] : [theirs, ours];
      for (const bin of turns) {
        if (bin === null) continue;
        for (const [name, number] of Object.entries(await measure(bin, Number(values.n)))) {
          const row = found.get(name) ?? { name, ours: [], theirs: [] };
          found.set(name, row);
          (bin === ours ? row.ours : row.theirs).push(number);
        }
      }
    }
    for (const row of found.values()) {
      table.push(row);
      const mine = median(row.ours);
      const other = theirs === null ? undefined : median(row.theirs);
      const range = `${shown(Math.min(...row.ours))} - ${shown(Math.max(...row.ours))}`;
      print(row.name, shown(mine), shown(other), other === undefined ? '' : (mine / other).toFixed(2), range);
    }
  }
  if (values.json === undefined) return;
  const machine = {
    cpus: os.cpus().map(({ model }) => model),
    load: os.loadavg(),
    node: process.version,
    tmp: os.tmpdir(),
  };
  const result = { ...values, machine, rows: table.map((row) => ({ ...row, median: median(row.ours) })) };
  fs.writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(`bench: fatal: ${error.message}`);
    process.exit(1);
  },
);
