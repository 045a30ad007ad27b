import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTally } from '../../../../lib/xmpp/iq/tally.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function tally() {
  const told: number[] = [];
  return { told, tally: createTally((n) => told.push(n), 1000) };
}

it('tells of what is dealt with in its order', () => {
  const { told, tally: t } = tally();
  const [one, two, three] = [1, 2, 3].map(t.open);
  two!();
  one!();
  one!();
  three!();
  t.open(4)();
  expect(told.at(-1)).toBe(4);
  expect(told.slice(0, -1)).toEqual([0, 2, 3]);
});

it('waits for none longer than that', () => {
  const { told, tally: t } = tally();
  t.open(1);
  vi.advanceTimersByTime(500);
  const late = t.open(2);
  t.open(3)();
  vi.advanceTimersByTime(500);
  expect(told.at(-1)).toBe(1);
  vi.advanceTimersByTime(500);
  expect(told.at(-1)).toBe(3);
  late();
  expect(told.at(-1)).toBe(3);
});

it('tells nothing more once it is closed', () => {
  const { told, tally: t } = tally();
  const one = t.open(1);
  t.close();
  one();
  vi.advanceTimersByTime(5000);
  expect(told).toEqual([]);
});
