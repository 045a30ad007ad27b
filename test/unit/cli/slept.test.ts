import { expect, it } from 'vitest';
import { createSleepWatch } from '../../../lib/cli/slept.ts';

it('is true once after the clock on the wall went on alone', () => {
  const slept = createSleepWatch(100, 1_000_000);
  expect(slept(10_100, 1_010_000)).toBe(false);
  expect(slept(20_100, 1_620_000)).toBe(true);
  expect(slept(30_100, 1_630_000)).toBe(false);
});

it('takes small steps and a clock that is set back for what they are', () => {
  const slept = createSleepWatch(0, 0);
  expect(slept(1000, 5000)).toBe(false);
  expect(slept(2000, 10_000)).toBe(false);
  expect(slept(3000, -50_000)).toBe(false);
  expect(slept(4000, -49_000)).toBe(false);
});
