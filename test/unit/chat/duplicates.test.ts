import { describe, expect, it } from 'vitest';
import { createDuplicates, MOST } from '../../../lib/chat/duplicates.ts';

const NOW = Date.UTC(2026, 0, 31);

const mark = (body: string, more: { id?: string; sid?: string; from?: string; time?: number } = {}) => ({
  time: NOW,
  from: 'bob@x/r',
  id: 'i',
  sid: 's',
  body,
  ...more,
});

it('knows in a new session what came in one before, by its ids and its text', () => {
  const recent = createDuplicates();
  recent.add(mark('hi'));
  recent.add(mark('long'.repeat(1000)));
  expect(recent.repeats(mark('hi'), true)).toBe(false);
  recent.begin();
  expect(recent.repeats(mark('hi'), false)).toBe(true);
  expect(recent.repeats(mark('hi', { id: 'j' }), false)).toBe(true);
  expect(recent.repeats(mark('hi', { sid: 't' }), true)).toBe(true);
  expect(recent.repeats(mark('long'.repeat(1000)), false)).toBe(true);
  // An id alone does not tell enough, unless the server says that it is not new.
  expect(recent.repeats(mark('hi', { sid: 't' }), false)).toBe(false);
  expect(recent.repeats(mark('ho'), true)).toBe(false);
  expect(recent.repeats(mark('long'.repeat(999)), true)).toBe(false);
  expect(recent.repeats(mark('hi', { from: 'eve@x/r' }), true)).toBe(false);
});

it('does not take messages without ids for the same', () => {
  const recent = createDuplicates();
  recent.add({ from: 'bob@x/r', body: 'hi' });
  recent.begin();
  expect(recent.repeats({ from: 'bob@x/r', body: 'hi' }, true)).toBe(false);
});

it('remembers the last ones, over sessions and in another process', () => {
  let recent = createDuplicates();
  for (let i = 0; i < 3 * MOST; i++) recent.add(mark(`${i}`));
  recent.begin();
  recent.add(mark('later'));
  recent = createDuplicates(JSON.parse(JSON.stringify(recent.state)));
  expect(recent.repeats(mark(`${3 * MOST - 1}`), false)).toBe(true);
  expect(recent.repeats(mark(`${2 * MOST}`), false)).toBe(true);
  expect(recent.repeats(mark(`${2 * MOST - 1}`), false)).toBe(false);
  expect(recent.repeats(mark('later'), false)).toBe(false);
  recent.begin();
  expect(recent.repeats(mark('later'), false)).toBe(true);
  expect(recent.state.earlier).toHaveLength(MOST);
});

it('knows long texts and ids that were read from a log, and keeps little of them', () => {
  const long = mark('x'.repeat(10_000), {
    id: 'i'.repeat(10_000),
    sid: 's'.repeat(10_000),
    from: `b@x/${'r'.repeat(900)}`,
  });
  const recent = createDuplicates({ earlier: [long], now: [] });
  expect(recent.repeats(long, false)).toBe(true);
  expect(recent.repeats({ ...long, sid: undefined, time: NOW + 1000 }, true)).toBe(true);
  expect(recent.repeats({ ...long, id: 'i'.repeat(9999), sid: undefined }, true)).toBe(false);
  for (let i = 0; i < 2 * MOST; i++) recent.add({ ...long, id: `${i}`.repeat(5000) });
  expect(JSON.stringify(recent.state).length).toBeLessThan(MOST * 400);
});

describe('an id that its sender uses again', () => {
  it('is of the same message only with the time of the first one', () => {
    const recent = createDuplicates();
    recent.add(mark('disk full'));
    recent.begin();
    const later = (ms: number) => recent.repeats(mark('disk full', { sid: 't', time: NOW + ms }), true);
    expect([-3_600_000, -2001, -2000, 0, 999, 2000, 2001, 3_600_000].map(later)).toEqual([
      ...[false, false, true, true],
      ...[true, true, false, false],
    ]);
    expect(recent.repeats(mark('disk full', { sid: 't' }), false)).toBe(false);
  });

  it('is of the same message where the server could not know that the first one had arrived', () => {
    const recent = createDuplicates();
    for (const body of ['one', 'two', 'three']) recent.add(mark(body));
    recent.begin(2);
    const again = (body: string) => recent.repeats(mark(body, { sid: 't', time: NOW + 60_000 }), false);
    expect(['one', 'two', 'three', 'four'].map(again)).toEqual([false, true, true, false]);
    const next = createDuplicates(JSON.parse(JSON.stringify(recent.state)));
    expect(next.repeats(mark('three', { sid: 't' }), false)).toBe(true);
    // Beyond the next session it is settled.
    next.begin();
    next.begin();
    expect(next.repeats(mark('one', { sid: 't', time: NOW + 60_000 }), false)).toBe(false);
  });

  it('tells nothing where it is all there is to compare', () => {
    const recent = createDuplicates({ earlier: [{ from: 'bob@x/r', id: 'i', body: 'hi' }], now: [] });
    expect(recent.repeats({ from: 'bob@x/r', id: 'i', body: 'hi', time: NOW }, true)).toBe(false);
  });
});
