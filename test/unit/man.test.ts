import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { TABLE } from '../../lib/xmpp/limits.ts';

const root = path.join(import.meta.dirname, '..', '..');
const read = (...parts: string[]) => fs.readFileSync(path.join(root, ...parts), 'utf8');
const manifest: { bin: Record<string, string>; man: string[] } = JSON.parse(read('package.json'));
const programs = Object.keys(manifest.bin);

/** The usage line of a program, wherever it stands. */
function usage(program: string): string {
  const places = [
    ['bin', `${program}.ts`],
    ...fs.readdirSync(path.join(root, 'lib/xmpp/connect')).map((f) => ['lib/xmpp/connect', f]),
  ];
  for (const place of places) {
    const found = new RegExp(`USAGE =\\s*['\`"](${program} .*)['\`"]`).exec(read(...place))?.[1];
    if (found !== undefined) return found;
  }
  throw new Error(`${program} has no usage line`);
}

it('has a page for every program, and knows all its pages', () => {
  const pages = fs.readdirSync(path.join(root, 'man')).map((page) => `man/${page}`);
  expect([...manifest.man].sort()).toEqual(pages.sort());
  for (const program of programs) expect(pages).toContain(`man/${program}.1`);
});

it.each(programs)('tells all options of %s, and no others', (program) => {
  const line = usage(program);
  const options = [...line.matchAll(/(?<=[[ |])-(\w+)/g)].flatMap(([, stanzas = '']) => [...new Set(stanzas)]);
  const page = read('man', `${program}.1`);
  const listed = [...page.matchAll(/^\.It Fl (.*)$/gm)].flatMap(([, rest = '']) =>
    rest.split(' , ').map((item) => item.trim().split(' ')[0]!),
  );
  expect(listed.sort()).toEqual(options.sort());
  const synopsis = /\.Sh SYNOPSIS\n(.*?)\.Sh DESCRIPTION/s.exec(page)![1]!;
  const shown = [...synopsis.matchAll(/Fl (\w+)/g)].flatMap(([, stanzas = '']) => [...new Set(stanzas)]);
  expect(shown.sort()).toEqual(options.sort());
});

it('tells of all limits as they are', () => {
  const section = /\.Sh LIMITS\n(.*?)\n\.Sh /s.exec(read('man', 'sj.7'))![1]!;
  const told = [...section.matchAll(/^\.It Cm (\S+)\n(\d+) (.*); (\d+) to (\d+)\n\.Pq (.*) \.\n[A-Z]/gm)];
  expect(told.map(([, name, value, unit, least, most, who]) => [name, value, unit, least, most, who])).toEqual(
    Object.entries(TABLE).map(([name, { default: value, unit, least, most, programs }]) => [
      name,
      `${value}`,
      unit,
      `${least}`,
      `${most}`,
      programs.join(', '),
    ]),
  );
});
