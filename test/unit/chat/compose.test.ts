import fc from 'fast-check';
import { expect, it } from 'vitest';
import { composeLine } from '../../../lib/chat/compose.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { canonical } from '../../../lib/xml/write.ts';
import { carries, encodeMessage } from '../../../lib/xmpp/codec/message-out.ts';

const CODEC = { carries, encodeMessage };
const compose = (line: Buffer, to: string, room: boolean) => composeLine(line, to, room, CODEC, CHAT_LIMITS.send);

import { CHAT_LIMITS } from '../../../lib/chat/limits.ts';

const make = (line: string | Uint8Array, room = false) =>
  compose(Buffer.from(line as string), `o'neil@example.org`, room);

/** What the stanza says, as its reader sees it. */
function sent(line: string, room = false) {
  const made = make(line, room);
  if (made === null || 'refused' in made) throw new Error(`not sent: ${JSON.stringify(made)}`);
  const element = parseElement(made.frame);
  expect(canonical(element)).toBe(made.frame);
  expect(element.attrs.id).toBe(made.id);
  expect(element.getChildText('body')).toBe(made.body);
  return { body: made.body, to: element.attrs.to, type: element.attrs.type, id: made.id };
}

it('makes a chat message of a line', () => {
  expect(sent('hi')).toEqual({
    body: 'hi',
    to: `o'neil@example.org`,
    type: 'chat',
    id: expect.stringMatching(/^m[\w-]{24}$/),
  });
  expect(sent('hi', true).type).toBe('groupchat');
});

it('sends the text as it is', () => {
  for (const text of [
    '/me waves',
    ' ',
    '  indented\t',
    `<&>"' ]]> <b/>`,
    'žluťoučký 😀',
    '\ufeffbom',
    '/quit',
    'a\rb',
  ]) {
    expect(sent(text).body).toBe(text);
  }
});

it('makes a line feed of U+2028', () => {
  expect(sent('one\u2028two\u2028').body).toBe('one\ntwo\n');
});

it('takes a carriage return at the end for the end of the line', () => {
  expect(sent('typed\r').body).toBe('typed');
  expect(sent('typed\r\r').body).toBe('typed\r');
});

it('makes nothing of an empty line', () => {
  expect(make('')).toBe(null);
  expect(make('\r')).toBe(null);
});

it('never uses an id again', () => {
  expect(new Set(Array.from({ length: 1000 }, () => sent('x').id)).size).toBe(1000);
});

it('refuses what is not UTF-8, and keeps its bytes', () => {
  for (const bytes of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    const line = Uint8Array.from(bytes);
    expect(make(line)).toEqual({ refused: 'not UTF-8', bytes: Buffer.from(line).toString('base64') });
  }
});

it('refuses what XML cannot carry, and keeps the text', () => {
  for (const text of ['\u001b[1m', '\ufffe', '\u0001']) {
    expect(make(text)).toEqual({ refused: expect.stringContaining('cannot carry'), body: text });
  }
});

it('refuses what would be too long for a stanza, however it comes to be', () => {
  const frame = compose(Buffer.from('x'), 'a@b', false);
  if (frame === null || 'refused' in frame) throw new Error('refused');
  const room = CHAT_LIMITS.send - frame.frame.length + 1;
  expect(compose(Buffer.from('x'.repeat(room)), 'a@b', false)).toHaveProperty('frame');
  expect(compose(Buffer.from('x'.repeat(room + 1)), 'a@b', false)).toEqual({
    refused: `too long: ${room + 1} bytes`,
    body: 'x'.repeat(room + 1),
  });
  expect(make('&'.repeat(100_000))).toHaveProperty('refused');
  expect(make('é'.repeat(150_000))).toHaveProperty('refused');
});

it('sends any text of XML characters exactly', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\u2028\r\n\u0000-\u001f]/.test(text)),
      (text) => {
        expect(sent(text).body).toBe(text);
      },
    ),
  );
});

it.each([
  ['hi\0\0\0', 'hi'],
  ['\0\0\0hi', 'hi'],
  ['\0hi\0rest', 'hi'],
  ['hi\r\0', 'hi'],
])('takes the text of %j between NULs', (line, body) => {
  expect(compose(Buffer.from(line), 'bob@x', false)).toMatchObject({ body });
});

it('makes nothing of NULs alone', () => {
  expect(compose(Buffer.alloc(100), 'bob@x', false)).toBeNull();
});
