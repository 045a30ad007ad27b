import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand, isNcName, isXmlChar, isXmlText, reference, type XmlError } from '../../../lib/xml/chars.ts';
import { runs } from '../../runs.ts';
import { judge } from './judge.ts';

const point = fc.oneof(
  fc.integer({ min: 0, max: 0x10ffff }),
  fc.integer({ min: 0, max: 0x3100 }),
  fc.constantFrom(0x9, 0xa, 0xd, 0x1f, 0x20, 0xd7ff, 0xd800, 0xdfff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x10ffff),
);

describe('characters', () => {
  it('are those that saxes knows', () => {
    fc.assert(
      fc.property(point, (code) => {
        const good = judge(`<a>&#${code};</a>`) !== null;
        expect(isXmlChar(code)).toBe(good);
        expect(isXmlText(String.fromCodePoint(code))).toBe(good);
      }),
      { numRuns: runs(5000) },
    );
  });
  it('may begin a name or stand in it where saxes says so', () => {
    fc.assert(
      fc.property(
        point.filter((code) => code >= 0x80 && isXmlChar(code)),
        (code) => {
          const char = String.fromCodePoint(code);
          expect(isNcName(char)).toBe(judge(`<${char}/>`) !== null);
          expect(isNcName(`a${char}`)).toBe(judge(`<a${char}/>`) !== null);
        },
      ),
      { numRuns: runs(5000) },
    );
  });
  it('are a text only whole', () => {
    expect(isXmlText('a\ud83d')).toBe(false);
    expect(isXmlText('\ude00a')).toBe(false);
    expect(isXmlText('a😀')).toBe(true);
    expect(isXmlText('')).toBe(true);
  });
});

describe('references', () => {
  const read = (text: string) => reference(Buffer.from(text), 0, Buffer.byteLength(text));
  it.each([
    ['&lt;', '<'],
    ['&quot;', '"'],
    ['&#10;', '\n'],
    ['&#x1F600;', '😀'],
    ['&#x1f600;', '😀'],
    ['&#000000000000000000097;', 'a'],
    ['&#x10FFFF;', '\u{10ffff}'],
  ])('%s', (text, char) => {
    expect(read(`${text}x`)).toBe(text.length);
    expect(expand(`a${text}b`)).toBe(`a${char}b`);
    for (let i = 1; i < text.length; i++) expect(read(text.slice(0, i))).toBe(-1);
  });
  it.each([
    ['&nbsp;', 'restricted-xml'],
    ['&LT;', 'restricted-xml'],
    ['&toString;', 'restricted-xml'],
    ['&__proto__;', 'restricted-xml'],
    ['&é;', 'restricted-xml'],
    ['&;', 'not-well-formed'],
    ['& ', 'not-well-formed'],
    ['&lt ', 'not-well-formed'],
    ['&#;', 'not-well-formed'],
    ['&#x;', 'not-well-formed'],
    ['&#X41;', 'not-well-formed'],
    ['&#4a;', 'not-well-formed'],
    ['&#-1;', 'not-well-formed'],
    ['&#0;', 'not-well-formed'],
    ['&#xDFFF;', 'not-well-formed'],
    ['&#x110000;', 'not-well-formed'],
    [`&#${'9'.repeat(400)};`, 'not-well-formed'],
  ])('%s is refused', (text, fault) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ fault }) as XmlError);
  });
});

describe('expand', () => {
  it('replaces each reference and nothing else', () => {
    const part = fc.oneof(
      fc.constantFrom(
        ['&lt;', '<'],
        ['&gt;', '>'],
        ['&amp;', '&'],
        ['&apos;', "'"],
        ['&quot;', '"'],
        [';', ';'],
        ['', ''],
      ),
      point
        .filter(isXmlChar)
        .chain((code) =>
          fc.constantFrom(
            [`&#${code};`, String.fromCodePoint(code)],
            [`&#x${code.toString(16)};`, String.fromCodePoint(code)],
            [`&#x00${code.toString(16).toUpperCase()};`, String.fromCodePoint(code)],
          ),
        ),
      fc.constantFrom('a', '#38;', 'lt;', 'é😀').map((text) => [text, text]),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(expand(parts.map(([text]) => text).join(''))).toBe(parts.map(([, meant]) => meant).join(''));
      }),
    );
  });
});
