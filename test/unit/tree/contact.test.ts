import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { contactOf, ensureContact, listContacts } from '../../../lib/tree/contact.ts';
import { dirName } from '../../../lib/tree/names.ts';
import { scratch } from '../sys/scratch.ts';

const events = (dir: string) =>
  fs
    .readFileSync(path.join(dir, 'events'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((l) => l.split('\t')[2]);

it('makes a directory with its id and tells of it once', () => {
  const dir = scratch();
  const place = ensureContact(dir, 'bob@example.org');
  expect(place).toBe(path.join(dir, 'bob@example.org'));
  expect(ensureContact(dir, 'bob@example.org')).toBe(place);
  expect(fs.statSync(place).mode & 0o777).toBe(0o700);
  expect(fs.readdirSync(place)).toEqual(['id']);
  expect(fs.readFileSync(path.join(place, 'id'), 'utf8')).toBe('bob@example.org\n');
  expect(events(dir)).toEqual(['bob@example.org']);
});

it('gives a contact the id that somebody was killed over', () => {
  const dir = scratch();
  const place = ensureContact(dir, 'bob@example.org');
  fs.writeFileSync(path.join(place, 'id'), '');
  ensureContact(dir, 'bob@example.org');
  expect(fs.readFileSync(path.join(place, 'id'), 'utf8')).toBe('bob@example.org\n');
  expect(events(dir)).toEqual(['bob@example.org']);
});

it('writes no id through a link', () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'precious'), '');
  fs.mkdirSync(path.join(dir, 'bob@example.org'));
  fs.symlinkSync('../precious', path.join(dir, 'bob@example.org', 'id'));
  ensureContact(dir, 'bob@example.org');
  expect(fs.readFileSync(path.join(dir, 'precious'), 'utf8')).toBe('');
});

it('takes a directory that the user has made', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'bob@example.org'));
  ensureContact(dir, 'bob@example.org');
  expect(events(dir)).toEqual(['bob@example.org']);
});

it('stays in its directory, whatever the name', () => {
  const dir = scratch();
  for (const jid of ['in', 'state', '.', '..', '../../x', 'a/b', '-m', '%2F']) {
    const place = ensureContact(dir, jid);
    expect(path.dirname(place)).toBe(dir);
    expect(fs.readFileSync(path.join(place, 'id'), 'utf8')).toBe(`${jid}\n`);
  }
});

it('makes nothing where something else has the name', () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'file@x'), '');
  fs.mkdirSync(path.join(dir, '.outside'));
  fs.symlinkSync('.outside', path.join(dir, 'link@x'));
  expect(() => ensureContact(dir, 'file@x')).toThrow('not a directory');
  expect(() => ensureContact(dir, 'link@x')).toThrow('not a directory');
  expect(fs.readdirSync(path.join(dir, '.outside'))).toEqual([]);
});

it('lists the contacts and nothing else', () => {
  const dir = scratch();
  const long = `${'l'.repeat(300)}@example.org`;
  for (const jid of ['bob@example.org', 'in', long]) ensureContact(dir, jid);
  fs.mkdirSync(path.join(dir, 'ext'));
  fs.mkdirSync(path.join(dir, '.hidden'));
  fs.mkdirSync(path.join(dir, '%zz'));
  fs.writeFileSync(path.join(dir, 'file@x'), '');
  fs.symlinkSync('bob@example.org', path.join(dir, 'link@x'));
  // The id of another: who copies directories may not thereby speak to someone else.
  const copied = dirName(`${'m'.repeat(300)}@example.org`);
  fs.cpSync(path.join(dir, dirName(long)), path.join(dir, copied), { recursive: true });

  expect(new Set(listContacts(dir).map(({ jid }) => jid))).toEqual(new Set(['bob@example.org', 'in', long]));
  expect(contactOf(dir, dirName(long))).toEqual({ name: dirName(long), jid: long });
  expect(contactOf(dir, '%69n')).toEqual({ name: '%69n', jid: 'in' });
  for (const name of ['ext', '.hidden', 'file@x', 'link@x', 'gone', '.', '..']) expect(contactOf(dir, name)).toBe(null);
  for (const name of ['%zz', copied]) expect(contactOf(dir, name)).toEqual({ error: expect.any(String) });
});
