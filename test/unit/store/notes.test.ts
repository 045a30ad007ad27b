import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openNotes } from '../../../lib/store/notes.ts';
import { scratch } from '../sys/scratch.ts';

const place = () => path.join(scratch(), '.notes');

/** What the next process of the same session knows. */
function later(file: string, session = 'P', resumed = true) {
  const notes = openNotes(file, session, resumed);
  notes.close();
  if (notes.known === null) return null;
  const { groups, through } = notes.known;
  const values = [...groups].flatMap(([group, names]) => [...names].map(([name, v]) => [group, name, v]));
  return { values, through };
}

it('keeps values by group and name, and how far the program has come', () => {
  const file = place();
  const notes = openNotes(file, 'P', false);
  expect(notes.known).toBeNull();
  notes.set('a', 'x', { n: 1 });
  notes.set('a', 'y', 2);
  notes.set('b', '', null);
  notes.set('c', 'z', 'é\n');
  notes.write(17);
  notes.set('a', 'x', { n: 3 });
  notes.remove('c', 'z');
  notes.remove('none', 'none');
  notes.clear('b');
  notes.clear('none');
  notes.write(18);
  notes.write(16);
  notes.write();
  notes.close();
  expect(later(file)).toEqual({
    values: [
      ['a', 'y', 2],
      ['a', 'x', { n: 3 }],
    ],
    through: 18,
  });
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

it('forgets everything at a new session, at another one, and after another boot', () => {
  const file = place();
  const fill = () => {
    const notes = openNotes(file, 'P', false);
    notes.set('a', 'x', 1);
    notes.write(1);
    notes.close();
  };
  fill();
  expect(later(file, 'P', false)).toBeNull();
  expect(later(file)).toEqual({ values: [], through: Number.NEGATIVE_INFINITY });
  fill();
  expect(later(file, 'Q')).toBeNull();
  expect(later(file, 'P')).toBeNull();
  fill();
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/"boot":"[^"]*"/, '"boot":"earlier"'));
  expect(later(file)).toBeNull();
});

it('knows at every point of its file what was written until then', () => {
  const file = place();
  const notes = openNotes(file, 'P', false);
  const states: [size: number, known: unknown][] = [[fs.statSync(file).size, later(file)]];
  for (let n = 1; n <= 5; n++) {
    notes.set('a', `x${n % 2}`, 'é'.repeat(n));
    if (n === 3) notes.clear('a');
    notes.write(n);
    states.push([fs.statSync(file).size, later(file)]);
  }
  notes.close();
  const whole = fs.readFileSync(file);
  for (const [size, known] of states) {
    fs.writeFileSync(file, whole.subarray(0, size));
    expect(later(file)).toEqual(known);
  }
  for (let size = 0; size < whole.length; size++) {
    fs.writeFileSync(file, whole.subarray(0, size));
    later(file);
  }
});

it('can be opened whatever is in its file', () => {
  const file = place();
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.json(), fc.constant('{"session":"P","boot":null}'))), (lines) => {
      fs.writeFileSync(file, lines.join('\n'));
      later(file);
    }),
  );
});

it('is rewritten when most of it is of the past', () => {
  const file = place();
  const notes = openNotes(file, 'P', false, 4096);
  for (let n = 1; n <= 1000; n++) {
    notes.set('a', `x${n % 10}`, n);
    notes.write(n);
    expect(fs.statSync(file).size).toBeLessThan(4200);
  }
  notes.close();
  const known = later(file)!;
  expect(known.through).toBe(1000);
  expect(known.values.map(([, , value]) => value)).toEqual([991, 992, 993, 994, 995, 996, 997, 998, 999, 1000]);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['.notes']);
});

it('says what cannot be opened', () => {
  const file = place();
  fs.mkdirSync(file);
  expect(() => openNotes(file, 'P', false)).toThrow();
});
