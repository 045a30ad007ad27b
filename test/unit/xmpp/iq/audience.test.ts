import fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { openNotes } from '../../../../lib/store/notes.ts';
import { writeFriends } from '../../../../lib/tree/newcomers.ts';
import { createAudience } from '../../../../lib/xmpp/iq/audience.ts';
import { bareOf } from '../../../../lib/xmpp/jid/jid.ts';
import { scratch } from './stanzas.ts';

const BOB = 'bob@example.org';
const ROOM = 'room@chat.example.org';

let dir: string;
beforeEach(() => {
  dir = scratch();
});

const make = (own: string | undefined = 'alice@example.org/sj') => createAudience({ dir, own, bareOf });
const roster = (...friends: [jid: string, subscription: string][]) => writeFriends(dir, friends);
const mypresence = (text: string, ...names: string[]) => {
  fs.mkdirSync(join(dir, ...names), { recursive: true });
  fs.writeFileSync(join(dir, ...names, 'mypresence'), text);
};

it('is the own account and its server, and no name that is like theirs', () => {
  const { of } = make();
  for (const self of [undefined, 'alice@example.org', 'Alice@Example.ORG/x', 'example.org', 'example.org/x'])
    expect(of(self), String(self)).toBe('self');
  for (const other of ['alice@example.org.evil.org', 'alice@evil.org', 'evil.org', 'b@example.org', '@', '', 'a b@c'])
    expect(of(other), other).toBe('stranger');
  expect(make('').of('')).toBe('stranger');
});

it.each([
  ['from', 'contact'],
  ['both', 'contact'],
  ['to', 'stranger'],
  ['none', 'stranger'],
  ['', 'stranger'],
])('knows by the roster: %s', (subscription, who) => {
  const audience = make();
  roster([BOB, 'both']);
  expect(audience.of(BOB)).toBe('contact');
  roster([BOB, subscription], ['carol@example.org', 'to']);
  expect(audience.of('Bob@Example.org/x')).toBe(who);
  roster(['eve@example.org', 'from']);
  expect([BOB, 'eve@example.org'].map(audience.of)).toEqual(['stranger', 'contact']);
});

it('goes by what was sent', () => {
  const audience = make();
  roster([BOB, 'from']);
  const seen = () => [BOB, `${ROOM}/other`].map(audience.of);
  audience.shown('', true);
  expect(seen()).toEqual(['contact', 'stranger']);
  audience.shown(`${ROOM}/me`, true);
  audience.shown(BOB, false);
  expect(seen()).toEqual(['stranger', 'contact']);
  audience.shown('', false);
  expect(seen()).toEqual(['stranger', 'stranger']);
  audience.shown(BOB, true);
  audience.shown('no jid@', true);
  expect(seen()).toEqual(['contact', 'stranger']);
  // What was sent counts, and not what stands in a file that nobody has read yet.
  mypresence('offline', BOB);
  expect(seen()).toEqual(['contact', 'stranger']);
});

it('goes by the files where it is not known what was sent', () => {
  const audience = make();
  roster([BOB, 'from']);
  mypresence('offline');
  expect(audience.of(BOB)).toBe('stranger');
  mypresence('dnd', 'eve@example.org');
  expect(audience.of('eve@example.org')).toBe('contact');
  mypresence('away');
  mypresence('offline', BOB);
  expect(audience.of(BOB)).toBe('stranger');
  fs.rmSync(join(dir, BOB, 'mypresence'));
  expect(audience.of(BOB)).toBe('contact');
  fs.mkdirSync(join(dir, BOB, 'mypresence'));
  expect(audience.of(BOB)).toBe('stranger');
});

it('is remembered', () => {
  const file = join(dir, '.iqs');
  const notes = openNotes(file, 'P', false);
  const first = make();
  first.remember(notes);
  roster([BOB, 'from']);
  first.shown('gone@example.org', true);
  first.shown('', true);
  first.shown(ROOM, true);
  notes.write();
  notes.close();
  const second = make();
  second.remember(openNotes(file, 'P', true));
  expect([BOB, 'gone@example.org', ROOM].map(second.of)).toEqual(['contact', 'stranger', 'contact']);
});
