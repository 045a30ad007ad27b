import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { presenceLine, truncate } from '../../../lib/tree/line.ts';

describe('presenceLine', () => {
  it.each([
    ['', 'away'],
    [' \n\t ', 'away'],
    ['lunch', 'away lunch'],
    ['one\ntwo\r\nthree\u2028four\u2029five\u0085six\tseven', 'away one two three four five six seven'],
    ['\u001b[2J\u009b2J\u0007\u007f', 'away \ufffd[2J\ufffd2J\ufffd\ufffd'],
    ['\u202egnp.exe\u2066', 'away \ufffdgnp.exe\ufffd'],
    ['dnd', 'away dnd'],
    ['<&>', 'away <&>'],
  ])('%j', (status, line) => {
    expect(presenceLine('away', status)).toBe(line);
  });

  it('cuts after 1024 characters', () => {
    expect(presenceLine('xa', 'y'.repeat(5000))).toBe(`xa ${'y'.repeat(1024)}`);
    expect(presenceLine('xa', '\u{1f600}'.repeat(5000))).toBe(`xa ${'\u{1f600}'.repeat(1024)}`);
  });

  it('is one line that nothing acts on, whatever the status text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (status) => {
        const line = presenceLine('dnd', status);
        expect(line).toMatch(/^dnd( \S.*)?$/u);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
        expect(line).toBe(line.trimEnd());
      }),
    );
  });
});

it('truncates by code points', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, limit) => {
      expect(truncate(text, limit)).toBe(Array.from(text).slice(0, limit).join(''));
    }),
  );
});
