import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeeper, type Happening, HELD, type Keeper } from '../../../../lib/xmpp/connect/keep.ts';

const FIRST = 1000;
const MOST = 300_000;

/** A keeper, and how much of the second half of each wait chance takes away. */
const keeper = (chance = 0) => createKeeper({ first: FIRST, most: MOST, random: () => chance });

const lose = (it: Keeper, code: number | null = 111, now = 0) => it.happened({ what: 'lost', code }, now);
const ms = (it: Keeper, code: number | null = 111, now = 0) => {
  const next = lose(it, code, now);
  if (next?.step !== 'wait') throw new Error(`no wait: ${next?.step}`);
  return next.ms;
};
const due = (it: Keeper) => it.happened({ what: 'due' }, 0);
const online = (it: Keeper, now = 0) => it.happened({ what: 'online' }, now);
const nudge = (it: Keeper) => it.happened({ what: 'nudge' }, 0);
const stop = (it: Keeper) => it.happened({ what: 'stop' }, 0);

/** The next so many waits, each after a try that failed. */
const waits = (it: Keeper, count: number) =>
  Array.from({ length: count }, () => {
    const wait = ms(it);
    expect(due(it)).toEqual({ step: 'try' });
    return wait;
  });

describe('the wait', () => {
  it('doubles up to the longest', () => {
    expect(waits(keeper(), 11)).toEqual([
      ...[1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000],
      ...[MOST, MOST],
    ]);
  });

  it('never grows beyond it, however often', () => {
    expect(waits(keeper(), 2000).at(-1)).toBe(MOST);
  });

  it('is left to chance by half', () => {
    expect(waits(keeper(0.5), 3)).toEqual([750, 1500, 3000]);
    expect(waits(keeper(0.999_999), 1)[0]).toBeCloseTo(500, 0);
  });

  it('begins anew when a session has held', () => {
    const it = keeper();
    waits(it, 5);
    online(it, 1000);
    expect(ms(it, 111, 1000 + HELD)).toBe(1000);
  });

  it('goes on when it has not', () => {
    const it = keeper();
    waits(it, 5);
    online(it, 1000);
    expect(ms(it, 111, 1000 + HELD - 1)).toBe(32_000);
    due(it);
    online(it, 0);
    expect(ms(it, 111, 10)).toBe(64_000);
  });
});

describe('the end of a try', () => {
  it.each([0, 77, 100])('with %i is the end of all', (code) => {
    expect(lose(keeper(), code)).toEqual({ step: 'exit', code });
    const later = keeper();
    online(later);
    expect(lose(later, code)).toEqual({ step: 'exit', code });
    expect([due(later), nudge(later), stop(later), lose(later)]).toEqual([null, null, null, null]);
  });

  it.each([111, null, 1, 255])('with %j is not', (code) => {
    expect(lose(keeper(), code)).toEqual({ step: 'wait', ms: 1000 });
  });

  it('with 76 is, unless the account has been online', () => {
    expect(lose(keeper(), 76)).toEqual({ step: 'exit', code: 76 });
    const it = keeper();
    online(it);
    waits(it, 2);
    expect(ms(it, 76)).toBe(MOST);
    due(it);
    expect(ms(it)).toBe(8000);
  });
});

describe('when the network has changed', () => {
  it('does not wait any longer', () => {
    const it = keeper();
    waits(it, 3);
    ms(it);
    expect(nudge(it)).toEqual({ step: 'try' });
    expect(due(it)).toBe(null);
    // That try was out of turn.
    expect(ms(it)).toBe(8000);
  });

  it('does not wait after a try that may have been too early', () => {
    const it = keeper();
    waits(it, 3);
    expect(nudge(it)).toEqual({ step: 'doubt' });
    expect(ms(it)).toBe(0);
    due(it);
    expect(ms(it)).toBe(8000);
  });

  it('lets the running session doubt its link', () => {
    const it = keeper();
    online(it);
    expect(nudge(it)).toEqual({ step: 'doubt' });
    expect(ms(it)).toBe(1000);
  });
});

describe('when it is told to end', () => {
  it('does so at once while it waits', () => {
    const it = keeper();
    ms(it);
    expect(stop(it)).toEqual({ step: 'exit', code: 0 });
    expect(due(it)).toBe(null);
  });

  it.each(['before', 'while'])('lets what is running end, %s it is online', (when) => {
    const it = keeper();
    if (when === 'while') online(it);
    expect(stop(it)).toEqual({ step: 'stop' });
    expect(nudge(it)).toBe(null);
    expect(online(it)).toBe(null);
    expect(stop(it)).toEqual({ step: 'stop' });
    expect(lose(it, 111)).toEqual({ step: 'exit', code: 0 });
  });
});

it('never tries twice at once, and never waits longer than it may, whatever happens', () => {
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    ...(['online', 'due', 'nudge', 'stop'] as const).map((what) => fc.constant({ what })),
    fc.record({ what: fc.constant('lost' as const), code: fc.constantFrom(0, 1, 76, 77, 100, 111, null) }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(happening, fc.nat(2 * HELD))),
      fc.float({ min: 0, max: 1, noNaN: true }),
      (events, chance) => {
        const keep = keeper(Math.min(chance, 1 - Number.EPSILON));
        let now = 0;
        let running = true;
        let over = false;
        for (const [event, later] of events) {
          now += later;
          // What can't be is not said: without a try, nothing is online or lost.
          if (!running && (event.what === 'online' || event.what === 'lost')) continue;
          const next = keep.happened(event, now);
          if (event.what === 'lost') running = false;
          if (over) expect(next).toBe(null);
          if (next?.step === 'try') {
            expect(running).toBe(false);
            running = true;
          }
          if (next?.step === 'wait') {
            expect(next.ms).toBeGreaterThanOrEqual(0);
            expect(next.ms).toBeLessThanOrEqual(MOST);
          }
          if (next?.step === 'exit') {
            expect(running).toBe(false);
            over = true;
          }
        }
      },
    ),
  );
});

it('a broken protocol is not final for an account that has been online in an earlier run', () => {
  const it = createKeeper({ first: FIRST, most: MOST, random: () => 0, known: true });
  expect(lose(it, 76)).toEqual({ step: 'wait', ms: MOST });
});
