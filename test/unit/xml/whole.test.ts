import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayBeWhole, progressFrom, tagEnd } from '../../../lib/xml/whole.ts';
import { runs } from '../../runs.ts';
import { cut, cuts, stanza } from './arbitrary.ts';

/** After how many bytes it says for the first time that a stanza may be whole; -1: never. */
function wholeAfter(bytes: Buffer, where: 'each' | number[], watch = false): number {
  const progress = progressFrom(0, watch);
  let end = 0;
  for (const chunk of cut(bytes, where)) {
    end += chunk.length;
    if (mayBeWhole(bytes, end, progress)) return end;
  }
  return -1;
}

describe('mayBeWhole', () => {
  it('says yes with the last byte of a stanza, and not before it', () => {
    fc.assert(
      fc.property(stanza, fc.string(), (text, more) => {
        const bytes = Buffer.from(text);
        expect(wholeAfter(Buffer.concat([bytes, Buffer.from(more)]), 'each')).toBe(bytes.length);
      }),
      { numRuns: runs(2000) },
    );
  });
  it('says yes wherever the bytes are cut', () => {
    fc.assert(
      fc.property(stanza, cuts, (text, where) => {
        expect(wholeAfter(Buffer.from(text), where)).toBe(Buffer.byteLength(text));
      }),
      { numRuns: runs(2000) },
    );
  });
  it('looks at no byte twice', () => {
    fc.assert(
      fc.property(stanza, fc.nat(), (text, at) => {
        const bytes = Buffer.from(text);
        const half = at % bytes.length;
        const progress = progressFrom(0, false);
        expect(mayBeWhole(bytes, half, progress)).toBe(false);
        // What it has passed may be anything now; only the byte before and half a `]]>` are still of use.
        bytes.fill(0x3c, 0, Math.max(0, progress.at - 1));
        expect(mayBeWhole(bytes, bytes.length, progress)).toBe(true);
        expect(progress.at).toBeGreaterThan(half - 9);
      }),
    );
  });
  it.each([
    ['a comment', '<a><!--', 6],
    ['an instruction', '<a><?', 5],
    ['a tag within a tag', '<a <', 4],
    ['a tag within a value', "<a b='<", 7],
    ['an end tag', '</a>', 4],
  ])('says yes in doubt: %s', (_, text, after) => expect(wholeAfter(Buffer.from(`${text}   `), 'each')).toBe(after));
  it('watches for a stanza within a stanza, if told to', () => {
    const text = Buffer.from("<message><body>a<iq id='1'></iq>");
    expect(wholeAfter(text, 'each', true)).toBe(text.indexOf("'>") + 2);
    expect(wholeAfter(text, 'each', false)).toBe(-1);
    expect(wholeAfter(Buffer.from("<message><iq xmlns='jabber:client'></iq><iqs/><x/>"), 'each', true)).toBe(-1);
  });
});

describe('tagEnd', () => {
  const end = (text: string) => tagEnd(Buffer.from(text), 0, text.length);
  it.each([
    ['<a>', 2],
    ['<a/>b>', 3],
    [`<a b='>">' c=">'>">`, 18],
    ["<a b='>", -1],
    ['<a', -1],
  ])('%s', (text, at) => expect(end(text)).toBe(at));
  it('goes on where it stopped, and looks at no byte twice', () => {
    const text = Buffer.from(`<a b='>">' c=">'>">`);
    const scan = { at: 0, quote: 0 };
    for (let i = 0; i < text.length; i++) {
      const bytes = Buffer.from(text);
      bytes.fill('>', 0, scan.at);
      expect(tagEnd(bytes, 0, i, scan)).toBe(-1);
      expect(scan.at).toBe(i);
    }
    expect(tagEnd(text, 0, text.length, scan)).toBe(18);
  });
});
