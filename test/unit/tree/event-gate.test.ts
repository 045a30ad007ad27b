import { expect, it } from 'vitest';
import { createGate } from '../../../lib/tree/event-gate.ts';

/** A file that events are appended to. */
function writing(most: number, part = '') {
  const state = { file: part };
  const gate = createGate({
    most,
    size: () => state.file.length,
    full: () => 'full\n',
    leftOut: (count) => `left out ${count}\n`,
  });
  const write = (line: string, now: number, known = true) => {
    const { text, passed } = gate.pass(line, known, now);
    state.file += text;
    return passed;
  };
  return { state, write };
}

it('events pass until the file is full, and again when there is room', () => {
  const { state, write } = writing(20);
  for (let i = 0; i < 10; i++) write(`line${i}\n`, i);
  expect(state.file).toBe('line0\nline1\nline2\nline3\nfull\n');
  expect(write('more\n', 5000)).toBe(false);
  expect(state.file).toBe('line0\nline1\nline2\nline3\nfull\n');
  state.file = '';
  write('new\n', 5500);
  expect(state.file).toBe('');
  write('new\n', 6000);
  expect(state.file).toBe('new\n');
});

it('what others have written counts', () => {
  const { state, write } = writing(20);
  write('a\n', 0);
  state.file = 'x'.repeat(19);
  write('b\n', 1000);
  expect(state.file.slice(19)).toBe('b\nfull\n');
  expect(write('c\n', 1001)).toBe(false);
});

const LINE = `${'x'.repeat(99)}\n`;

it('strangers pass slowly once they have had their burst, and contacts at any time', () => {
  const { state, write } = writing(1e9);
  let passed = 0;
  for (let i = 0; i < 68_000; i++) if (write(LINE, i / 100, false)) passed++;
  expect(passed).toBeGreaterThan(2000);
  expect(passed).toBeLessThan(3000);
  expect(write('friend\n', 680)).toBe(true);
  expect(state.file.endsWith('friend\n')).toBe(true);
});

it('strangers fill no more than a half of the file, however slow they are', () => {
  const { state, write } = writing(100_000);
  for (let i = 0; i < 5000; i++) write(LINE, i * 1000, false);
  expect(state.file.length).toBeLessThan(60_000);
  expect(write('friend\n', 6e6)).toBe(true);
});

it('what was left out is counted, and told once a minute at most', () => {
  const { state, write } = writing(1e9);
  for (let i = 0; i < 6000; i++) write(LINE, 0, false);
  const told = () => state.file.split('\n').filter((line) => line.startsWith('left out'));
  expect(told()).toEqual(['left out 1']);
  write('friend\n', 59_000);
  expect(told()).toHaveLength(1);
  write('friend\n', 60_000);
  const passed = state.file.split(LINE).length - 1;
  expect(told()).toEqual(['left out 1', `left out ${6000 - passed - 1}`]);
  write('friend\n', 130_000);
  expect(told()).toHaveLength(2);
});
