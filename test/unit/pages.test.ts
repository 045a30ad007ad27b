// What SECURITY.md and QUIRKS.md promise is held by tests, and those that they name are there.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const REFERENCE = /`(test\/[\w/.-]+\.test\.ts)`: /g;

type Row = { rule: string; tests: [file: string, title: string][] };

/** The rows of all tables that have a column of this name at the end. */
function rowsOf(page: string): Row[] {
  const rows: Row[] = [];
  let ours = false;
  for (const line of fs.readFileSync(path.join(ROOT, page), 'utf8').split('\n')) {
    if (!line.startsWith('|')) ours = false;
    else if (/\| test \|$/.test(line)) ours = true;
    else if (ours && !line.startsWith('| ---')) {
      const cells = line.slice(1, -1).split('|');
      rows.push({ rule: cells[0]!.trim(), tests: testsOf(cells.at(-1)!) });
    }
  }
  return rows;
}

/** `FILE`: TITLE; TITLE; `FILE`: TITLE */
function testsOf(cell: string): Row['tests'] {
  const [, ...parts] = cell.trim().split(REFERENCE);
  const found: Row['tests'] = [];
  for (let i = 0; i + 1 < parts.length; i += 2)
    for (const title of parts[i + 1]!.split('; ')) if (title.trim() !== '') found.push([parts[i]!, title.trim()]);
  return found;
}

const sources = new Map<string, string>();
function source(file: string): string {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8').replaceAll("\\'", "'");
  sources.set(file, text);
  return text;
}

describe.each(['SECURITY.md', 'QUIRKS.md'])('%s', (page) => {
  it.each(rowsOf(page))('$rule: has its tests', ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0);
    for (const [file, title] of tests) {
      expect(fs.existsSync(path.join(ROOT, file)), file).toBe(true);
      expect(source(file).includes(title), `${file}: ${title}`).toBe(true);
    }
  });
});

it('SECURITY.md names every test of security', () => {
  const page = fs.readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8');
  for (const file of fs.readdirSync(path.join(ROOT, 'test/e2e')).filter((name) => name.startsWith('security-')))
    expect(page).toContain(`\`test/e2e/${file}\``);
});
