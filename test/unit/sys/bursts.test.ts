import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBursts } from '../../../lib/sys/bursts.ts';

it('tells of the first, counts the others, and tells how many when it is quiet', () => {
  const bursts = createBursts();
  expect(bursts.next).toBeNull();
  expect(bursts.add('a', 'f', 0)).toBe(true);
  expect(bursts.add('a', 'f', 1000)).toBe(false);
  expect(bursts.add('a', 'f', 4000)).toBe(false);
  expect(bursts.due(8999)).toEqual([]);
  expect(bursts.next).toBe(9000);
  expect(bursts.due(9000)).toEqual([{ key: 'a', count: 2, time: 4000 }]);
  expect(bursts.next).toBeNull();
  expect(bursts.add('a', 'f', 9001)).toBe(true);
});

it('has nothing to add to what happened once', () => {
  const bursts = createBursts();
  bursts.add('a', 'f', 0);
  expect(bursts.due(5000)).toEqual([]);
  expect(bursts.next).toBeNull();
});

it('tells each minute of what goes on', () => {
  const bursts = createBursts();
  const told: number[] = [];
  for (let now = 0; now <= 150_000; now += 1000) {
    bursts.add('a', 'f', now);
    told.push(...bursts.due(now).map(({ count }) => count));
  }
  expect(told).toEqual([60, 60]);
});

it('keeps different things apart, but not too many', () => {
  const bursts = createBursts(3);
  expect(['a', 'b', 'c'].map((key) => bursts.add(key, 'f', 0))).toEqual([true, true, true]);
  expect(['d', 'e', 'a'].map((key) => bursts.add(key, 'f', 1))).toEqual([true, false, false]);
  expect(bursts.due(2, true)).toEqual([
    { key: 'a', count: 1, time: 1 },
    { key: 'f', count: 1, time: 0 },
  ]);
});

it('loses nothing, and tells little, whatever happens when', () => {
  const happening = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), wait: fc.integer({ min: 0, max: 9000 }) });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 200 }), (all) => {
      const bursts = createBursts(2);
      let now = 0;
      let told = 0;
      let counted = 0;
      const look = () => {
        for (const { count } of bursts.due(now)) counted += count;
      };
      for (const { key, wait } of all) {
        const then = now + wait;
        for (let next = bursts.next; next !== null && next <= then; next = bursts.next) {
          now = next;
          look();
          expect(bursts.next === null || bursts.next > now).toBe(true);
        }
        now = then;
        if (bursts.add(key, 'f', now)) told++;
      }
      for (const { count } of bursts.due(now, true)) counted += count;
      expect(told + counted).toBe(all.length);
      expect(bursts.next).toBeNull();
    }),
  );
});
