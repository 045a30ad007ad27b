import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateLimit } from '../../../lib/sys/rate-limit.ts';
import { HOUR, openFriends, openNewcomers, withinHour, writeFriends } from '../../../lib/tree/newcomers.ts';
import { scratch } from '../sys/scratch.ts';

const nobody = { has: () => false };

describe('newcomers', () => {
  it('may be so many within an hour, whoever counts, and however often it starts', () => {
    const dir = scratch();
    const admitted = Array.from({ length: 10 }, (_, i) => openNewcomers(dir, nobody, 4).admit(`${i}@x`));
    expect(admitted.filter(Boolean)).toHaveLength(4);
    const [one, two] = [openNewcomers(dir, nobody, 7), openNewcomers(dir, nobody, 7)];
    const both = Array.from({ length: 10 }, (_, i) => (i % 2 ? one : two).admit(`${i}@x`));
    expect(both.filter(Boolean)).toHaveLength(3);
  });
  it('are none of those whom the user knows', () => {
    const dir = scratch();
    const friends = openFriends(dir);
    const newcomers = openNewcomers(dir, friends, 1);
    expect(newcomers.admit('eve@x')).toBe(true);
    expect(newcomers.admit('bob@x')).toBe(false);
    writeFriends(dir, [
      ['bob@x', 'both'],
      ['carol@x', 'none'],
    ]);
    expect(['bob@x', 'carol@x', 'dave@x'].map(friends.word)).toEqual(['both', 'none', undefined]);
    expect(['bob@x', 'carol@x', 'bob@xx', 'dave@x'].map(newcomers.admit)).toEqual([true, true, false, false]);
    writeFriends(dir, [['dave@x', 'to']]);
    expect(['bob@x', 'dave@x'].map(newcomers.admit)).toEqual([false, true]);
  });
  it('may come again when an hour has passed', () => {
    const dir = scratch();
    const old = Date.now() - HOUR;
    fs.writeFileSync(path.join(dir, '.newcomers'), `${old - 5}\n${old - 4}\n${old + 60_000}\nnonsense\n`);
    const newcomers = openNewcomers(dir, nobody, 2);
    expect([1, 2, 3].map((n) => newcomers.admit(`${n}@x`))).toEqual([true, false, false]);
  });
  it('count where nothing can be written', () => {
    const newcomers = openNewcomers(path.join(scratch(), 'none'), nobody, 2);
    expect([1, 2, 3].map((n) => newcomers.admit(`${n}@x`))).toEqual([true, true, false]);
  });
  it('can be shut out, and leave no long file', () => {
    const dir = scratch();
    expect(openNewcomers(dir, nobody, 0).admit('eve@x')).toBe(false);
    fs.writeFileSync(path.join(dir, '.newcomers'), '5\n'.repeat(1000));
    expect(openNewcomers(dir, nobody, 9).admit('eve@x')).toBe(true);
    expect(fs.readFileSync(path.join(dir, '.newcomers'), 'utf8')).toMatch(/^\d{13}\n$/);
  });
  it('are within an hour also where the clock was set back', () => {
    expect(withinHour([0, 1, HOUR, 2 * HOUR, 2 * HOUR + 1, Number.NaN], HOUR + 1)).toEqual([HOUR, 2 * HOUR]);
  });
});

describe('a bucket', () => {
  it('gives what comes back, and so much more at once', () => {
    const bucket = createRateLimit(10, 100, 0);
    expect(bucket.take(100, 0)).toBe(true);
    expect(bucket.take(1, 0)).toBe(false);
    expect(bucket.take(10, 999)).toBe(false);
    expect(bucket.take(10, 1000)).toBe(true);
    expect(bucket.take(1, 1000)).toBe(false);
    expect(bucket.take(100, 1e9)).toBe(true);
  });
  it('passes what is larger than itself when it is full', () => {
    const bucket = createRateLimit(10, 100, 0);
    expect(bucket.take(500, 0)).toBe(true);
    expect(bucket.take(1, 40_000)).toBe(false);
    expect(bucket.take(1, 40_101)).toBe(true);
  });
  it('never gives more than the rate allows', () => {
    const step = fc.record({ amount: fc.integer({ min: 0, max: 200 }), wait: fc.integer({ min: 0, max: 5000 }) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const bucket = createRateLimit(20, 200, 0);
        let now = 0;
        let taken = 0;
        for (const { amount, wait } of steps) {
          now += wait;
          if (bucket.take(amount, now)) taken += amount;
          expect(taken).toBeLessThanOrEqual(200 + (20 * now) / 1000 + 1e-6);
        }
      }),
    );
  });
});

it('knows nobody where nobody may look', () => {
  const dir = path.join(scratch(), 'loop');
  fs.symlinkSync('loop', dir);
  const friends = openFriends(dir);
  expect(friends.has('bob@x')).toBe(false);
  const newcomers = openNewcomers(dir, friends, 1);
  expect([newcomers.admit('bob@x'), newcomers.admit('eve@x')]).toEqual([true, false]);
});
