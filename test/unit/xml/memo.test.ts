import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memo } from '../../../lib/xml/memo.ts';

const latin1 = (buf: Buffer, from: number, to: number) => buf.toString('latin1', from, to);

it('gives what would be made of the bytes, whatever it was asked before', () => {
  const given = memo(latin1);
  // Few lengths and few bytes, so that they collide.
  const span = fc.uint8Array({ maxLength: 5, max: 3 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(span), fc.uint8Array({ maxLength: 3 }), (spans, before) => {
      for (const bytes of spans) {
        const buf = Buffer.concat([before, bytes, Buffer.from('x')]);
        expect(given(buf, before.length, before.length + bytes.length)).toBe(bytes.toString('latin1'));
      }
    }),
  );
});

it('keeps a copy: what comes into the buffer later does not change it', () => {
  const given = memo(latin1);
  const buf = Buffer.from('body');
  expect(given(buf, 0, 4)).toBe('body');
  buf.write('burp');
  expect(given(buf, 0, 4)).toBe('burp');
  expect(given(Buffer.from('body'), 0, 4)).toBe('body');
});

it('makes nothing twice, unless it is long', () => {
  let made = 0;
  const given = memo((...span) => {
    made++;
    return latin1(...span);
  });
  for (let i = 0; i < 3; i++) given(Buffer.from(`${i}body`), 1, 5);
  expect(made).toBe(1);
  const long = Buffer.alloc(1000, 'x');
  for (let i = 0; i < 3; i++) expect(given(long, 0, 1000)).toHaveLength(1000);
  expect(made).toBe(4);
});
