import fc from 'fast-check';
import { expect, it } from 'vitest';
import { logLine } from '../../../lib/tree/log.ts';

it('is one JSON object a line, without what does not apply', () => {
  expect(
    logLine({ time: 't', dir: 'out', from: 'a@b', to: 'c@d', type: 'chat', id: 'i', sid: undefined, body: 'x "y"\n' }),
  ).toBe('{"time":"t","dir":"out","from":"a@b","to":"c@d","type":"chat","id":"i","body":"x \\"y\\"\\n"}\n');
});

it('has its fields in one order', () => {
  const record = {
    time: 't',
    received: 'r',
    dir: 'refused' as const,
    from: 'f',
    to: 'o',
    type: 'y',
    id: 'i',
    sid: 's',
    subject: 'u',
    thread: 'h',
    reason: 'e',
    body: 'b',
    bytes: 'x',
    length: 3,
  };
  expect(logLine(record)).toBe(`${JSON.stringify(record)}\n`);
});

it('keeps any text exactly, and shows no terminal a control', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('\u009b', '\u2028', '\u202e', '\u007f', '\\', '"', '\n') }),
      ),
      (body) => {
        const line = logLine({ time: 't', dir: 'in', body });
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(JSON.parse(line)).toEqual({ time: 't', dir: 'in', body });
      },
    ),
  );
});
