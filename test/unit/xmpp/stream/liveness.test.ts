import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLiveness } from '../../../../lib/xmpp/stream/liveness.ts';

it('asks after half the limit, once, and gives up after all of it', () => {
  const alive = createLiveness(60_000, 1000);
  expect(alive.check(1000)).toEqual({ verdict: 'alive', next: 30_000 });
  expect(alive.check(30_999)).toEqual({ verdict: 'alive', next: 1 });
  expect(alive.check(31_000)).toEqual({ verdict: 'ask', next: 30_000 });
  expect(alive.check(31_001)).toEqual({ verdict: 'alive', next: 29_999 });
  expect(alive.check(60_999)).toEqual({ verdict: 'alive', next: 1 });
  expect(alive.check(61_000)).toEqual({ verdict: 'dead', next: 0 });
});

it('begins anew with whatever is heard', () => {
  const alive = createLiveness(10_000, 0);
  expect(alive.check(5000).verdict).toBe('ask');
  alive.heard(9999);
  expect(alive.check(10_000)).toEqual({ verdict: 'alive', next: 4999 });
  expect(alive.check(14_999).verdict).toBe('ask');
  expect(alive.check(19_999).verdict).toBe('dead');
});

it('never says dead without having asked, if it is looked at when it says', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 15_000 }), { maxLength: 30 }), (gaps) => {
      const alive = createLiveness(10_000, 0);
      const due = gaps.map((gap, i) => gap + gaps.slice(0, i).reduce((a, b) => a + b, 0));
      let asked = false;
      let now = 0;
      let last = 0;
      for (;;) {
        const { verdict, next } = alive.check(now);
        if (verdict === 'dead') {
          expect(asked).toBe(true);
          expect(now - last).toBe(10_000);
          return;
        }
        if (verdict === 'ask') {
          expect(asked).toBe(false);
          asked = true;
        }
        expect(next).toBeGreaterThan(0);
        if (due.length > 0 && due[0]! < now + next) {
          now = last = Math.max(now, due.shift()!);
          alive.heard(now);
          asked = false;
        } else now += next;
      }
    }),
  );
});
