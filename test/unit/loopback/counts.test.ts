import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acknowledge, type Counts, parseCount, plus } from '../../../loopback/counts.ts';
import { el, NS } from '../../../loopback/xml.ts';

const ROUND = 2 ** 32;

/** So many were sent in all, the last `open` of them are not acknowledged. */
const counts = (sent: number, open: number): Counts => ({
  received: 0,
  sent,
  waiting: Array.from({ length: open }, (_, i) => ({
    stanza: el('message', NS.client, { id: `${plus(sent, i - open + 1)}` }),
    sentAt: new Date(),
  })),
});

const ids = ({ waiting }: Counts) => waiting.map(({ stanza }) => Number(stanza.attrs.id));

test('an acknowledgement takes what it is for, wherever the counter stands', () => {
  fc.assert(
    fc.property(fc.nat({ max: ROUND - 1 }), fc.nat(20), fc.nat(20), (sent, open, handled) => {
      const before = counts(sent, open);
      const took = Math.min(handled, open);
      expect(acknowledge(before, plus(sent, took - open))).toBe(true);
      expect(ids(before)).toEqual(ids(counts(sent, open - took)));
    }),
  );
});

test('across 2^32', () => {
  const some = counts(1, 4);
  expect(ids(some)).toEqual([ROUND - 2, ROUND - 1, 0, 1]);
  expect(acknowledge(some, ROUND - 1)).toBe(true);
  expect(ids(some)).toEqual([0, 1]);
  expect(acknowledge(some, 0)).toBe(true);
  expect(ids(some)).toEqual([1]);
});

test.each([
  ['more than was sent', 11],
  ['less than before', 6],
  ['something else altogether', ROUND - 1],
])('%s cannot be acknowledged', (_, h) => {
  const some = counts(10, 3);
  expect(acknowledge(some, h)).toBe(false);
  expect(ids(some)).toEqual([8, 9, 10]);
});

test.each([
  ['0', 0],
  ['4294967295', ROUND - 1],
  ['4294967296', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['', undefined],
  [' 1', undefined],
  [undefined, undefined],
])('a count: %j', (text, expected) => {
  expect(parseCount(text)).toBe(expected);
});
