import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCollection, createShare } from '../../../lib/store/collect.ts';

it('puts the texts of each file together, whatever they are and come between', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.constant('\ud800'),
    fc.constant('é'.repeat(50_000)),
  );
  const text = fc.oneof(
    line.map((some) => `${some}\n`),
    fc.constant(''),
  );
  const step = fc.record({ first: fc.nat(3), second: fc.nat(3), one: text, other: text, two: fc.boolean() });
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 4 }), (batches) => {
      const collection = createCollection();
      const shares = Array.from({ length: 4 }, createShare);
      for (const batch of batches) {
        const expected = shares.map(() => [] as Buffer[]);
        for (const { first, second, one, other, two } of batch) {
          expected[first]!.push(Buffer.from(one));
          if (!two) collection.add(shares[first]!, one);
          else {
            expected[second]!.push(Buffer.from(other));
            collection.addTwo(shares[first]!, one, shares[second]!, other);
          }
        }
        // What could not be written is put together again with what comes later.
        collection.group(shares);
        const all = collection.group(shares);
        const wanted = expected.map((parts) => Buffer.concat(parts));
        expect(all.equals(Buffer.concat(wanted))).toBe(true);
        expect(collection.size).toBe(all.length);
        for (const [i, share] of shares.entries()) expect(collection.of(share).equals(wanted[i]!)).toBe(true);
        collection.clear(shares);
        expect(collection.size).toBe(0);
      }
    }),
  );
});
