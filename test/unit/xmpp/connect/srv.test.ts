import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderTargets, type SrvRecord } from '../../../../lib/xmpp/connect/srv.ts';

const record = fc.record({
  name: fc.domain(),
  port: fc.integer({ min: 1, max: 65535 }),
  priority: fc.integer({ min: 0, max: 3 }),
  weight: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65535 })),
  tls: fc.boolean(),
});
const records = fc.array(record, { maxLength: 12 });

/** A repeatable Math.random. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const key = (target: { name?: string; host?: string; port: number; tls: boolean }) =>
  `${target.name ?? target.host}:${target.port}:${target.tls}`;

describe('orderTargets', () => {
  it('has every target exactly once', () => {
    fc.assert(
      fc.property(records, fc.integer(), (all, seed) => {
        expect(orderTargets(all, seeded(seed)).map(key).sort()).toEqual(all.map(key).sort());
      }),
    );
  });

  it('has lower priorities first, whichever the service', () => {
    fc.assert(
      fc.property(records, fc.integer(), (all, seed) => {
        const named = all.map((one, i) => ({ ...one, name: `${i}` }));
        const priorities = orderTargets(named, seeded(seed)).map(({ host }) => named[Number(host)]!.priority);
        expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
      }),
    );
  });

  it('takes any value that Math.random may give', () => {
    fc.assert(
      fc.property(records, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (all, value) => {
        expect(orderTargets(all, () => value)).toHaveLength(all.length);
      }),
    );
  });

  it('draws by weight', () => {
    const set = (weights: number[]): SrvRecord[] =>
      weights.map((weight, i) => ({ name: `${i}`, port: 5222, priority: 1, weight, tls: i % 2 === 0 }));
    const weights = [0, 100, 300, 600];
    const random = seeded(1);
    const rounds = 10_000;
    const first = [0, 0, 0, 0];
    const last = [0, 0, 0, 0];
    for (let i = 0; i < rounds; i++) {
      const order = orderTargets(set(weights), random);
      first[Number(order[0]!.host)]!++;
      last[Number(order.at(-1)!.host)]!++;
    }
    // The generator is seeded, so these are fixed numbers and no gamble.
    for (const [i, weight] of weights.entries()) expect(first[i]! / rounds).toBeCloseTo(weight / 1000, 1);
    expect(first[0]).toBeGreaterThan(0);
    expect(first[0]).toBeLessThan(50);
    expect(last[0]).toBeGreaterThan(0.9 * rounds);
  });

  it('keeps the order of DNS where all weights are 0', () => {
    const set = ['a', 'b', 'c'].map((name) => ({ name, port: 5222, priority: 0, weight: 0, tls: false }));
    expect(orderTargets(set, () => 0.9).map(({ host }) => host)).toEqual(['a', 'b', 'c']);
  });
});
