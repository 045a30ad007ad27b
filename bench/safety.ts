/**
 * What the safeties cost, each as CPU of a message with it and without it. None can be switched off in the programs:
 * see README.md beside this file for what stands in their place.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { costAlone } from './alone.ts';
import { counted, flood, type Measure, median, type Numbers, withSuite } from './measure.ts';
import { contents, cutting, load, measure, PLAIN } from './reader.ts';
import { sizeOf } from './suite.ts';

const CONTACTS = 20;
const ROUNDS = 15;

const numbers = (name: string, on: number, off: number): Numbers => ({
  [`${name}: CPU of a message with it, us`]: on,
  [`${name}: without it, us`]: off,
  [`${name}: it costs, us`]: on - off,
});

/** The strict reading, and a loop that cuts the same bytes at the same borders and believes them. */
async function strict(bin: string): Promise<Numbers> {
  const checkout = path.join(bin, '..');
  if (!fs.existsSync(path.join(checkout, 'lib/xml/split.ts'))) return {};
  const reader = await load(checkout);
  const input = { bytes: PLAIN, chunk: 65_536, mode: 'stream', build: false } as const;
  const each = (1e6 * PLAIN.length) / contents(PLAIN);
  const on: number[] = [];
  const off: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    on.push(each / measure(input, reader));
    off.push(each / cutting(PLAIN));
  }
  return numbers('strict reading', median(on), median(off));
}

/** A suite with 20 contacts: what a message costs, once the engine has compiled what it wants to. */
const cost = (bin: string, n: number, managed = false, logged = true): Promise<number> =>
  withSuite(
    bin,
    async (suite) => {
      await flood(suite, CONTACTS * 100, CONTACTS);
      const { spent } = await counted(suite, n, CONTACTS, logged ? ['out', 'log'] : ['out']);
      if (!logged && sizeOf(suite.file(0, 'log')) > 0) throw new Error('there is a log after all');
      return (spent * 1000) / n;
    },
    { managed },
  );

/** The same programs, but a messaged that has nothing to say in `log`. */
async function withoutLog(bin: string, n: number): Promise<number> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-bench-'));
  try {
    const programs = path.join(dir, 'bin');
    fs.cpSync(bin, programs, { recursive: true });
    const messaged = path.join(programs, 'messaged');
    const whole = fs.readFileSync(messaged, 'utf8');
    const cut = whole.replace(/^function logLine\(\w+\) \{$/m, "$&\n  return '';");
    if (cut === whole) throw new Error('messaged writes its log in another way now');
    fs.writeFileSync(messaged, cut);
    return await cost(programs, n, false, false);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

/** n messages each, right after each other. */
export const safety: Measure = async (bin, n) => ({
  ...(await strict(bin)),
  ...numbers('stream management', await cost(bin, n, true), await cost(bin, n)),
  ...numbers('journal', await costAlone(bin, n, true), await costAlone(bin, n, false)),
  ...numbers('log beside out', await cost(bin, n), await withoutLog(bin, n)),
});
