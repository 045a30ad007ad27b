import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFormatter, excerpt, who } from '../../../lib/tree/format.ts';

const TIME = new Date(2024, 4, 6, 7, 8, 9).getTime();
const { message, notice } = createFormatter(undefined);

it('writes who said what and when', () => {
  expect(message(TIME, 'bob@example.org/phone', 'hi there')).toBe(
    '2024-05-06 07:08 <bob@example.org/phone> hi there\n',
  );
  expect(notice(TIME, 'not delivered')).toBe('2024-05-06 07:08 -!- not delivered\n');
  expect(message(TIME, 'a@b', '/me waves\tand goes')).toBe('2024-05-06 07:08 <a@b> /me waves\tand goes\n');
});

it('writes another minute when it is another minute', () => {
  const { message: again } = createFormatter(undefined);
  expect(again(TIME, 'a', 'x')).toContain('07:08');
  expect(again(TIME + 60_000, 'a', 'x')).toContain('07:09');
  expect(again(TIME, 'a', 'x')).toContain('07:08');
});

it('takes another stamp', () => {
  expect(createFormatter('epoch').message(1_700_000_000_000, 'a@b', 'x')).toBe('1700000000 <a@b> x\n');
  expect(createFormatter('%H:%M:%S').notice(TIME, 'x')).toBe('07:08:09 -!- x\n');
});

it('gives each line of a message the whole prefix', () => {
  expect(message(TIME, 'a@b', 'one\n\ntwo\r\nthree\u2028four\u2029five')).toBe(
    ['one', '', 'two', 'three', 'four', 'five'].map((line) => `2024-05-06 07:08 <a@b> ${line}\n`).join(''),
  );
});

it.each([
  ['line feeds', '\n'.repeat(262_144)],
  ['carriage returns and line feeds', '\r\n'.repeat(131_072)],
  ['line separators', '\u2028'.repeat(87_000)],
  ['short lines', 'x\n'.repeat(131_072)],
])('adds no more to a text of %s than it has itself, and says how much is missing', (_, start) => {
  const body = `${start}end`;
  for (const name of ['a@b', `${'ž'.repeat(500)}@b/${'r'.repeat(1000)}`]) {
    for (const text of [message(TIME, name, body), notice(TIME, body)]) {
      expect(Buffer.byteLength(text)).toBeLessThan(3 * body.length + 10_000);
      const lines = text.split('\n').slice(0, -1);
      const [, more] = /^2024-05-06 07:08 -!- the message goes on for (\d+) more lines: log has all of it$/.exec(
        lines.at(-1)!,
      )!;
      expect(Number(more) + lines.length - 1).toBe(body.split(/\r\n|[\n\u2028]/).length);
    }
  }
});

it('folds no text of usual lines, however long', () => {
  const body = `${'x'.repeat(40)}\n`.repeat(6000);
  expect(message(TIME, 'bob@x', body).split('\n')).toHaveLength(6001);
});

it('drops empty lines at the end', () => {
  expect(message(TIME, 'a', 'one\n\n')).toBe('2024-05-06 07:08 <a> one\n');
  expect(message(TIME, 'a', '\n\n')).toBe('2024-05-06 07:08 <a> \n');
});

it('shows controls and what reorders text as U+FFFD', () => {
  const bad = '\u0000\u0007\b\u000b\f\r\u001b\u007f\u0085\u009b\u061c\u200e\u200f\u202a\u202e\u2066\u2069';
  expect(message(TIME, 'a', bad)).toBe(`2024-05-06 07:08 <a> ${'\ufffd'.repeat(bad.length)}\n`);
  expect(message(TIME, 'a', 'žluť 😀 👩‍👩‍👧 العربية')).toContain('žluť 😀 👩‍👩‍👧 العربية\n');
});

it('keeps a name in one word', () => {
  expect(who('room nick> -!- x')).toBe('room_nick__-!-_x');
  expect(who('a\tb\u00a0c\u2028d\u3000e')).toBe('a_b_c_d_e');
  expect(who('a\u001b[2Jb\u202e')).toBe('a\ufffd[2Jb\ufffd');
});

it('lets no message and no name forge a line or reach a terminal', () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom(
        '\n',
        '\r',
        '\r\n',
        '\u2028',
        '\u2029',
        '\u0085',
        '\u001b',
        '\t',
        ' ',
        '>',
        '<',
        '2024-05-06 07:08 <boss> yes',
        '-!-',
      ),
      fc.string({ unit: 'binary', maxLength: 2 }),
    ),
  });
  fc.assert(
    fc.property(nasty, nasty, (name, body) => {
      const text = message(TIME, name, body);
      expect(text.endsWith('\n')).toBe(true);
      for (const line of text.slice(0, -1).split('\n')) {
        expect(line.startsWith(`2024-05-06 07:08 <${who(name)}> `)).toBe(true);
        expect(line).not.toMatch(
          /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069]/,
        );
      }
      expect(who(name)).not.toMatch(/[\s>]/);
      for (const line of notice(TIME, body).slice(0, -1).split('\n'))
        expect(line.startsWith('2024-05-06 07:08 -!- ')).toBe(true);
    }),
  );
});

it('excerpts the first line that has something, in whole characters', () => {
  expect(excerpt('short')).toBe('short');
  expect(excerpt('\n  \nsecond\nthird')).toBe('second');
  expect(excerpt('x'.repeat(101))).toBe(`${'x'.repeat(100)}…`);
  expect(excerpt(`${'x'.repeat(99)}😀😀`)).toBe(`${'x'.repeat(99)}…`);
  expect(excerpt('')).toBe('');
  expect(excerpt('\n'.repeat(200))).toBe('');
  expect(excerpt(`\n ${'x'.repeat(99)}\r\nmore`)).toBe(` ${'x'.repeat(99)}`);
  expect(excerpt(`${'x'.repeat(100)}\r\nmore`)).toBe('x'.repeat(100));
});
