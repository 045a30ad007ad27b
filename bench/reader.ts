/** The reading of XML alone, out of the programs: how fast it is. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import v8 from 'node:v8';
import { build } from 'esbuild';

// As the programs run, see build.mjs.
v8.setFlagsFromString('--optimize-for-size');

export type Reader = Pick<typeof import('../lib/xml/split.ts'), 'createSplitter' | 'LIMITS'>;

/** What the processors have spent on this process, in milliseconds: others that use the machine change it little. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** About so long, in milliseconds, is each row of a round. */
const SPELL = 40;

const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

export type Input = {
  readonly bytes: Buffer;
  readonly chunk: number;
  readonly mode: 'stream' | 'fragments';
  readonly build: boolean;
};

/** Reads the bytes over and over for a while; bytes per second of CPU. */
export function measure({ bytes, chunk, mode, build }: Input, { createSplitter, LIMITS }: Reader): number {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  let seen = 0;
  const splitter = createSplitter(
    mode,
    {
      stanza: ({ start, end }) => void (seen += end - start),
      fault(error) {
        throw error;
      },
    },
    { build, limits: { ...LIMITS, bytes: 1e8 } },
  );
  if (mode === 'stream') splitter.push(Buffer.from(HEADER));
  const begin = spent();
  let now = begin;
  do {
    for (const piece of chunks) splitter.push(piece);
    now = spent();
  } while (now - begin < SPELL);
  return (seen / (now - begin)) * 1000;
}

/** The same for `indexOf`. */
export function reference(bytes: Buffer): number {
  const begin = spent();
  let seen = 0;
  let now = begin;
  do {
    for (let at = 0; (at = bytes.indexOf(0x3c, at)) >= 0; at++);
    seen += bytes.length;
    now = spent();
  } while (now - begin < SPELL / 4);
  return (seen / (now - begin)) * 1000;
}

/** The reader of a checkout as it is in the programs: bundled. Run from its sources it is ten times as slow. */
export async function load(checkout: string): Promise<Reader> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-bench-'));
  try {
    const outfile = path.join(dir, 'split.cjs');
    const entry = path.resolve(checkout, 'lib/xml/split.ts');
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', target: 'node20.19' });
    return createRequire(import.meta.url)(outfile) as Reader;
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}
