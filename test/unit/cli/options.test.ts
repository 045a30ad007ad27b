import { expect, it } from 'vitest';
import { Fatal } from '../../../lib/cli/exit.ts';
import { options } from '../../../lib/cli/options.ts';
import { Printed } from '../../../lib/cli/printed.ts';

const SPEC = { D: 'count', I: 'count', d: 'value', g: 'list' } as const;
const parse = (...argv: string[]) => options(argv, SPEC, 'thing [-DI] [-d DIR] [-g GROUP]...');

it('reads flags alone and joined, values joined and apart, and lists', () => {
  expect(parse('-DII', '-dxmpp', '-g', 'a', '-gb', '-D')).toEqual({
    value: { d: 'xmpp' },
    list: { g: ['a', 'b'] },
    count: { D: 2, I: 2 },
    rest: [],
  });
  expect(parse('-Id', '-D')).toMatchObject({ value: { d: '-D' }, count: { D: 0, I: 1 } });
  expect(parse('-d', 'a', '-d', 'b').value.d).toBe('b');
});

it('ends at the first operand, at -- and at -', () => {
  expect(parse('-D', 'x', '-I')).toMatchObject({ count: { D: 1, I: 0 }, rest: ['x', '-I'] });
  expect(parse('--', '-I').rest).toEqual(['-I']);
  expect(parse('-', '-I').rest).toEqual(['-', '-I']);
});

it.each([
  [['-x'], 'unknown option -x'],
  [['-Dx'], 'unknown option -x'],
  [['-ó'], 'unknown option'],
  [['-__proto__'], 'unknown option -_'],
  [['-d'], 'option -d needs a value'],
  [['-D', '-g'], 'option -g needs a value'],
])('refuses %j with the usage', (argv, message) => {
  let error: unknown;
  try {
    parse(...argv);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(Fatal);
  expect(error).toMatchObject({ code: 100, usage: 'thing [-DI] [-d DIR] [-g GROUP]...' });
  expect((error as Fatal).message).toContain(message);
});

it.each([
  ['-h', 'usage: thing [-DI] [-d DIR] [-g GROUP]...\n'],
  ['-V', 'thing unbuilt\n'],
  ['-Dh', 'usage: thing [-DI] [-d DIR] [-g GROUP]...\n'],
])('answers %s with a text to print', (option, text) => {
  let thrown: unknown;
  try {
    parse(option);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Printed);
  expect(thrown).toMatchObject({ text });
});

it('leaves -h and -V to a program that has options of these letters', () => {
  expect(options(['-hV'], { h: 'count', V: 'count' }, 'x').count).toEqual({ h: 1, V: 1 });
});
