import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLines } from '../../../lib/sys/lines.ts';

type Seen = { text: string; length?: number };

function collect(limit: number) {
  const seen: Seen[] = [];
  const lines = createLines(limit, {
    line: (bytes) => seen.push({ text: bytes.toString('latin1') }),
    tooLong: (head, length) => seen.push({ text: head.toString('latin1'), length }),
  });
  return { seen, lines };
}

it('gives the same lines wherever the chunks are cut, in bounded memory', () => {
  const text = fc
    .array(fc.constantFrom('a', 'bc', '\n', 'dddddddddd', '\r'), { maxLength: 40 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 12 })), fc.boolean(), (all, sizes, flush) => {
      const { seen, lines } = collect(8);
      // One buffer for all, as the reader of a FIFO has it.
      const shared = Buffer.alloc(64);
      for (let at = 0, i = 0; at < all.length; i++) {
        const size = Math.min(sizes[i % sizes.length] ?? 64, all.length - at);
        const length = shared.write(all.slice(at, at + size), 'latin1');
        lines.push(shared.subarray(0, length));
        shared.fill(0x3f);
        at += size;
      }
      if (flush) lines.flush();
      const whole = all.split('\n');
      const tail = whole.pop()!;
      if (flush && tail !== '') whole.push(tail);
      expect(seen).toEqual(whole.map((l) => (l.length > 8 ? { text: l.slice(0, 8), length: l.length } : { text: l })));
    }),
  );
});

it('keeps no more than the limit of a line without end that comes byte by byte', () => {
  const { seen, lines } = collect(1000);
  const before = process.memoryUsage();
  for (let i = 0; i < 200_000; i++) lines.push(Buffer.from('x'));
  expect(process.memoryUsage().external - before.external).toBeLessThan(10_000_000);
  lines.push(Buffer.from('\nnext\n'));
  expect(seen).toEqual([{ text: 'x'.repeat(1000), length: 200_000 }, { text: 'next' }]);
});

it('has nothing to flush after a whole line', () => {
  const { seen, lines } = collect(8);
  lines.push(Buffer.from('one\n'));
  lines.flush();
  lines.flush();
  expect(seen).toEqual([{ text: 'one' }]);
});
