import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { createRooms } from '../../../../lib/xmpp/stream/rooms.ts';
import { readRooms, writeRooms } from '../../../../lib/xmpp/stream/rooms-file.ts';
import { scratch } from '../../sys/scratch.ts';

const JOIN = `<x xmlns='http://jabber.org/protocol/muc'/>`;
const user = (...codes: number[]) =>
  `<x xmlns='http://jabber.org/protocol/muc#user'>${codes.map((code) => `<status code='${code}'/>`).join('')}</x>`;
const presence = (from: string, inner: string, type = '') =>
  parseElement(`<presence from='${from}'${type && ` type='${type}'`}>${inner}</presence>`);
const ours = (to: string, inner = JOIN, type = '') =>
  parseElement(`<presence to='${to}'${type && ` type='${type}'`}>${inner}</presence>`);

it('is in a room that was asked and has said so, until one of us ends it', () => {
  const rooms = createRooms();
  expect(rooms.concerns('r@c/me')).toBe(false);
  rooms.sent(ours('R@c/me'));
  expect([rooms.concerns('r@c/me'), rooms.concerns('eve@x/me')]).toEqual([true, false]);
  expect(rooms.heard(presence('r@c/bob', user()))).toBe(null);
  expect(rooms.heard(presence('r@c/me', user(110)))).toEqual({ jid: 'r@c', nick: 'me', on: true });
  expect(rooms.heard(presence('r@c/bob', user(), 'unavailable'))).toBe(null);
  // A change of nick, as XEP-0045 section 7.6 has it.
  expect(rooms.heard(presence('r@c/me', user(303, 110), 'unavailable'))).toBe(null);
  expect(rooms.heard(presence('r@c/I', user(110)))).toEqual({ jid: 'r@c', nick: 'I', on: true });
  expect(rooms.heard(presence('r@c/I', user(110, 307), 'unavailable'))).toEqual({ jid: 'r@c', nick: 'I', on: false });
  expect(rooms.joined.size).toBe(0);
  // To come back it must be asked again.
  expect(rooms.heard(presence('r@c/I', user(110)))).toBe(null);
});

it.each([
  ['nothing', ''],
  ['presence to a contact', `<presence to='bob@x/phone'/>`],
  ['a request to see a contact', `<presence to='bob@x' type='subscribe'>${JOIN}</presence>`],
  ['a leave', `<presence to='bob@x/phone' type='unavailable'>${JOIN}</presence>`],
  ['presence to a room with another name', `<presence to='bob@x.example/phone'>${JOIN}</presence>`],
  ['presence to a bare address', `<presence to='bob@x'>${JOIN}</presence>`],
])('takes nobody for a room after %s', (_, text) => {
  const rooms = createRooms();
  if (text !== '') rooms.sent(parseElement(text));
  expect(rooms.heard(presence('bob@x/phone', user(110)))).toBe(null);
  expect(rooms.joined.size).toBe(0);
});

it('is in no room that refused, or that only has others', () => {
  const rooms = createRooms();
  rooms.sent(ours('r@c/me'));
  expect(rooms.heard(presence('r@c/me', '', 'error'))).toBe(null);
  expect(rooms.heard(presence('r@c/me', user(110)))).toBe(null);
  rooms.sent(ours('r@c/me'));
  expect(rooms.heard(presence('r@c/me', `<status code='110'/>`))).toBe(null);
  expect(rooms.heard(presence('r@c', user(110)))).toBe(null);
  expect(rooms.joined.size).toBe(0);
});

it('keeps the rooms for the session that they belong to', () => {
  const dir = scratch();
  writeRooms(dir, 's1', new Map([['r@c', 'me']]));
  expect(createRooms(readRooms(dir, 's1')).joined).toEqual(new Map([['r@c', 'me']]));
  expect(readRooms(dir, 's2')).toEqual([]);
  for (const text of ['', '{}', '["s1",7]', '["s1",[7,["a"]]]', 'x']) {
    fs.writeFileSync(path.join(dir, '.rooms'), text);
    expect(readRooms(dir, 's1')).toEqual([]);
  }
  writeRooms(dir, 's1', new Map());
  expect(fs.readdirSync(dir)).toEqual([]);
});
