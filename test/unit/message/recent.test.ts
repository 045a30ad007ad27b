import { expect, it } from 'vitest';
import { createRecent, MOST } from '../../../lib/message/recent.ts';

const mark = (body: string, more: { id?: string; sid?: string; from?: string } = {}) => ({
  from: 'bob@x/r',
  id: 'i',
  sid: 's',
  body,
  ...more,
});

it('knows in a new session what came in one before, by its ids and its text', () => {
  const recent = createRecent();
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
  const recent = createRecent();
  recent.add({ from: 'bob@x/r', body: 'hi' });
  recent.begin();
  expect(recent.repeats({ from: 'bob@x/r', body: 'hi' }, true)).toBe(false);
});

it('remembers the last ones, over sessions and in another process', () => {
  let recent = createRecent();
  for (let i = 0; i < 3 * MOST; i++) recent.add(mark(`${i}`));
  recent.begin();
  recent.add(mark('later'));
  recent = createRecent(JSON.parse(JSON.stringify(recent.state)));
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
  const recent = createRecent({ earlier: [long], now: [] });
  expect(recent.repeats(long, false)).toBe(true);
  expect(recent.repeats({ ...long, sid: undefined }, true)).toBe(true);
  expect(recent.repeats({ ...long, id: 'i'.repeat(9999), sid: undefined }, true)).toBe(false);
  for (let i = 0; i < 2 * MOST; i++) recent.add({ ...long, id: `${i}`.repeat(5000) });
  expect(JSON.stringify(recent.state).length).toBeLessThan(MOST * 400);
});
