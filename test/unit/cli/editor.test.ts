import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEditor } from '../../../lib/cli/editor.ts';

function type(keys: string, limit = 100): [string, string] {
  const editor = createEditor(limit);
  const result = editor.push(Buffer.from(keys));
  return [result, editor.line().toString()];
}

describe('a line ends', () => {
  it.each(['\r', '\n', '\u0004'])('at %j', (key) => {
    expect(type(`secret${key}rest`)).toEqual(['enter', 'secret']);
  });

  it.each(['\u0003', '\u001c'])('and is given up at %j', (key) => {
    expect(type(`secret${key}`)[0]).toBe('interrupt');
  });

  it('not before', () => {
    expect(type('secret')).toEqual(['more', 'secret']);
  });
});

describe('backspace', () => {
  it.each([
    ['ab', 'a'],
    ['aé', 'a'],
    ['ae\u0301', 'a'],
    ['a€', 'a'],
    ['a😀', 'a'],
    ['a👩‍👩‍👧', 'a'],
    ['a🇩🇪', 'a'],
    ['', ''],
  ])('takes one character off %s', (typed, left) => {
    expect(type(`${typed}\u007f`)).toEqual(['more', left]);
    expect(type(`${typed}\b`)).toEqual(['more', left]);
  });

  it('takes a byte off what is not UTF-8', () => {
    const editor = createEditor(100);
    editor.push(Buffer.of(0x61, 0xff, 0xfe, 0x7f));
    expect([...editor.line()]).toEqual([0x61, 0xff]);
  });
});

it('^U takes all away', () => {
  expect(type('wrong\u0015right\r')).toEqual(['enter', 'right']);
});

it('drops other controls, and what cursor and function keys send', () => {
  expect(type('a\u001b[Ab\u001bOPc\u001b[1;5Cd\u001b[3~e\tf\u0000g\r')).toEqual(['enter', 'abcdefg']);
  expect(type('\u001b[200~pasted\u001b[201~\r')).toEqual(['enter', 'pasted']);
  expect(type('ab\u001b\r')).toEqual(['enter', 'ab']);
});

it('keeps no more than the limit', () => {
  expect(type('abcdef\r', 4)).toEqual(['enter', 'abcd']);
});

it('does not care how what is typed is cut into pieces', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 5 }), (text, size) => {
      const bytes = Buffer.from(text);
      const whole = createEditor(1000);
      const pieces = createEditor(1000);
      const result = whole.push(bytes);
      let end = 'more';
      for (let i = 0; i < bytes.length && end === 'more'; i += size) end = pieces.push(bytes.subarray(i, i + size));
      expect(end).toBe(result);
      expect(pieces.line()).toEqual(whole.line());
    }),
  );
});
