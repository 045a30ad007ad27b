import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cachedJid, createJidCache } from '../../../../lib/xmpp/jid/cache.ts';
import { tryJid } from '../../../../lib/xmpp/jid/jid.ts';

test('an address is read once as long as it is remembered', () => {
  const read = createJidCache(4);
  const first = read('A@b/c');
  expect(first).toEqual({ local: 'a', domain: 'b', resource: 'c' });
  expect(read('A@b/c')).toBe(first);
});

test('what has just been used survives a flood of half the entries, and not one of all', () => {
  const read = createJidCache(8);
  const first = read('A@b');
  for (let i = 0; i < 4; i++) read(`x${i}@b`);
  expect(read('A@b')).toBe(first);
  for (let i = 0; i < 8; i++) read(`y${i}@b`);
  expect(read('A@b')).not.toBe(first);
  expect(read('A@b')).toEqual(first);
});

test('long texts are read and not remembered', () => {
  const read = createJidCache(4);
  const text = `${'a'.repeat(300)}@b`;
  expect(read(text)).toEqual(tryJid(text));
  expect(read(text)).not.toBe(read(text));
});

test.each(['__proto__', 'constructor', 'toString@valueOf', '', '\ud800@b'])('%j is a key like any other', (text) => {
  expect(cachedJid(text)).toEqual(tryJid(text));
  expect(cachedJid(text)).toEqual(tryJid(text));
});

test('it always says what tryJid says', () => {
  const read = createJidCache(3);
  const address = fc.oneof(
    fc.constantFrom('a@b', 'A@B', 'a b@c', 'a@b/c', '@'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  fc.assert(
    fc.property(address, (text) => {
      expect(read(text)).toEqual(tryJid(text));
    }),
  );
});
