import { expect, it } from 'vitest';
import { createGate } from '../../../lib/tree/events.ts';

it('lets lines through until the file is full, and again when there is room', () => {
  let file = '';
  const gate = createGate(
    20,
    () => file.length,
    () => 'full\n',
  );
  const write = (line: string, now: number) => {
    file += gate.pass(line, now);
    return file;
  };
  for (let i = 0; i < 10; i++) write(`line${i}\n`, i);
  expect(file).toBe('line0\nline1\nline2\nline3\nfull\n');
  expect(write('more\n', 5000)).toBe('line0\nline1\nline2\nline3\nfull\n');
  file = '';
  expect(write('new\n', 5500)).toBe('');
  expect(write('new\n', 6000)).toBe('new\n');
});

it('sees what others have written', () => {
  let size = 0;
  const gate = createGate(
    20,
    () => size,
    () => 'full\n',
  );
  expect(gate.pass('a\n', 0)).toBe('a\n');
  size = 19;
  expect(gate.pass('b\n', 1000)).toBe('b\nfull\n');
  expect(gate.pass('c\n', 1001)).toBe('');
});
