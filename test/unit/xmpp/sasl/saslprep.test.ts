import fc from 'fast-check';
import { expect, test } from 'vitest';
import { saslprep } from '../../../../lib/xmpp/sasl/saslprep.ts';

// The first seven are RFC 4013 section 3.
test.each([
  ['I\u00adX', 'IX'],
  ['user', 'user'],
  ['USER', 'USER'],
  ['\u00aa', 'a'],
  ['\u2168', 'IX'],
  ['\u0007', null],
  ['\u0627\u0031', null],
  ['', null],
  ['\u00ad', null],
  ['a\u007f', null],
  ['\u00e4\0', null],
  ['\u0080', null],
  ['\ud800x', null],
  ['\ufffd', null],
  ['\u202ea', null],
  ['\u0627a\u0628', null],
  ['\u0627\u0031\u0628', '\u0627\u0031\u0628'],
  ['a\u3000b', 'a b'],
  ['a\u0308', '\u00e4'],
  ['\u{1f511}\u{1f9e8}', '\u{1f511}\u{1f9e8}'],
  [' with space ', ' with space '],
])('%j becomes %j', async (text, prepared) => {
  expect(await saslprep(text)).toBe(prepared);
});

test('a text too long for the tables is refused, not thrown over', async () => {
  expect(await saslprep('\u00e4'.repeat(1_000_000))).toBeNull();
});

test('it never throws, and what it gives it gives again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
      const once = await saslprep(text);
      if (once !== null && /^[\x20-\x7e]*$/.test(once)) expect(await saslprep(once)).toBe(once);
    }),
  );
});
