import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseElement } from '../../../lib/xml/tree.ts';
import { chars, quote, stanza } from './arbitrary.ts';
import { plain } from './judge.ts';

/** Around where text is no longer cut out of the head of a stanza. */
const padding = fc.integer({ min: 400, max: 600 });

it('gives a stanza the same tree however far from the beginning it stands', () => {
  fc.assert(
    fc.property(stanza, padding, (text, length) => {
      const near = parseElement(`<w xmlns:s='urn:s'>${text}</w>`).children[0];
      const far = parseElement(`<w xmlns:s='urn:s'>${'x'.repeat(length)}${text}</w>`).children[1];
      expect(typeof far).toBe('object');
      expect(plain(far as typeof far & object)).toEqual(plain(near as typeof near & object));
    }),
    { numRuns: 1000 },
  );
});

it('has each text and value, whichever bytes stand before it', () => {
  fc.assert(
    fc.property(chars, chars, padding, fc.boolean(), (before, text, length, high) => {
      const pad = (high ? 'é' : 'x').repeat(length);
      const element = parseElement(`<a b='${pad}${quote(before)}' c='${quote(text)}'>${quote(text)}</a>`);
      expect(element.attrs).toEqual({ b: pad + before, c: text });
      expect(element.getText()).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

it('keeps what it gave when the buffer is used again', () => {
  const buffer = Buffer.from("<a b='a value that is long enough'>a text that is long enough</a>");
  const element = parseElement(buffer);
  buffer.fill(0);
  expect(element.attrs.b).toBe('a value that is long enough');
  expect(element.getText()).toBe('a text that is long enough');
});

it('has no attributes but those that were written', () => {
  const { attrs } = parseElement('<a/>');
  for (const name of ['constructor', '__proto__', 'toString', 'xmlns']) expect(attrs[name]).toBeUndefined();
  expect(Object.getPrototypeOf(Object.getPrototypeOf(attrs))).toBeNull();
});
