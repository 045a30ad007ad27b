// What the fuzz has found, each as small as it could be made: none of it may show again.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { type Case, run } from '../fuzz/kinds.ts';

const FINDINGS = path.join(import.meta.dirname, '../fuzz/findings');

it.each(fs.readdirSync(FINDINGS))('%s', async (name) => {
  const given = JSON.parse(fs.readFileSync(path.join(FINDINGS, name), 'utf8')) as Case;
  expect(await run(given)).toEqual([]);
});
