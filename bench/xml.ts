/**
 * How fast XML is read: `npx tsx bench/xml.ts [CHECKOUT]`. Each row is bytes per second, the median of rounds, and the
 * ratio to a reference taken in the same round: `Buffer.indexOf` that finds each `<` of the same bytes. With
 * another checkout both are run in turns, and the last column says how many times as fast this one is.
 */
import path from 'node:path';
import { median } from './measure.ts';
import { chat, type Input, load, MIXED, many, measure, PLAIN, reference } from './reader.ts';

const ROUNDS = 15;

const CYRILLIC = many((n) => chat(n, 'Как дела? Я буду дома около восьми, раньше не получится.'));
const LARGE = many((n) => (n < 8 ? chat(n, 'All work and no play. '.repeat(11_800)) : ''));
const HUGE = Buffer.from(chat(1, 'All work and no play. '.repeat(381_300)));

type Row = Input & { readonly name: string };
const rows: Row[] = [
  { name: 'split, messages', bytes: PLAIN, chunk: 65_536, mode: 'stream', build: false },
  { name: 'split, mixed', bytes: MIXED, chunk: 65_536, mode: 'stream', build: false },
  { name: 'split, mixed, 1460', bytes: MIXED, chunk: 1460, mode: 'stream', build: false },
  { name: 'split, cyrillic', bytes: CYRILLIC, chunk: 65_536, mode: 'stream', build: false },
  { name: 'split, from in', bytes: MIXED, chunk: 65_536, mode: 'fragments', build: false },
  { name: 'trees, messages', bytes: PLAIN, chunk: 65_536, mode: 'fragments', build: true },
  { name: 'trees, mixed', bytes: MIXED, chunk: 65_536, mode: 'fragments', build: true },
  { name: 'split, 256 KiB each', bytes: LARGE, chunk: 65_536, mode: 'stream', build: false },
  { name: 'trees, 256 KiB each', bytes: LARGE, chunk: 65_536, mode: 'fragments', build: true },
  { name: 'split, 8 MiB by 1 KiB', bytes: HUGE, chunk: 1024, mode: 'stream', build: false },
];

async function main(checkout: string | undefined): Promise<void> {
  const ours = await load(path.join(import.meta.dirname, '..'));
  const other = checkout === undefined ? null : await load(checkout);
  console.log(`${''.padEnd(24)}    MB/s   % of indexOf${other === null ? '' : '   other   ratio'}`);
  for (const row of rows) {
    const mine: number[] = [];
    const theirs: number[] = [];
    const shares: number[] = [];
    const ratios: number[] = [];
    measure(row, ours);
    for (let i = 0; i < ROUNDS; i++) {
      const speed = measure(row, ours);
      mine.push(speed);
      shares.push((100 * speed) / reference(row.bytes));
      if (other === null) continue;
      const slower = measure(row, other);
      theirs.push(slower);
      ratios.push(speed / slower);
    }
    const columns = [(median(mine) / 1e6).toFixed(0).padStart(8), median(shares).toFixed(1).padStart(15)];
    if (other !== null)
      columns.push((median(theirs) / 1e6).toFixed(0).padStart(8), median(ratios).toFixed(2).padStart(8));
    console.log(row.name.padEnd(24) + columns.join(''));
  }
}

void main(process.argv[2]);
