import { expect, it } from 'vitest';
import { parseElement } from '../../../lib/xml/tree.ts';

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
