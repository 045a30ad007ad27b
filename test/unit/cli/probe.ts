import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** Bundles a few lines of TypeScript into a program that plain Node runs, as the real programs are. */
export function bundle(source: string): { file: string; dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'sj-cli-'));
  const file = join(dir, 'probe.js');
  buildSync({
    stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    logLevel: 'warning',
    outfile: file,
  });
  return { file, dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
