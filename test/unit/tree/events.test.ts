import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventLine, logEvent, newEvent } from '../../../lib/tree/events.ts';
import { scratch } from '../sys/scratch.ts';

it('writes time, type, contact and detail', () => {
  const dir = scratch();
  const before = Date.now() / 1000;
  logEvent(dir, 'message', 'bob@example.org', 'hi there');
  logEvent(dir, 'offline', '');
  const [first, second, end] = fs
    .readFileSync(path.join(dir, 'events'), 'utf8')
    .split('\n')
    .map((line) => line.split('\t'));
  expect(first!.slice(1)).toEqual(['message', 'bob@example.org', 'hi there']);
  expect(Number(first![0])).toBeGreaterThanOrEqual(Math.floor(before * 1000) / 1000);
  expect(first![0]).toMatch(/^\d+\.\d{3}$/);
  expect(second!.slice(1)).toEqual(['offline', '-', '']);
  expect(end).toEqual(['']);
});

it('is always one line of four fields without controls', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (id, detail) => {
      const line = eventLine(1234.5, 'error', id, detail);
      expect(line.endsWith('\n')).toBe(true);
      expect(line.slice(0, -1).split('\t')).toHaveLength(4);
      expect(line.slice(0, -1).replaceAll('\t', '')).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

it('throws nothing where it cannot write', () => {
  expect(() => logEvent(path.join(scratch(), 'gone'), 'new', 'a@b')).not.toThrow();
});

it('throws nothing where the file is a link to itself', () => {
  const dir = scratch();
  fs.symlinkSync('events', path.join(dir, 'events'));
  expect(newEvent(dir, 'message', 'bob@x', 'hi')).toContain('bob@x');
  logEvent(dir, 'message', 'bob@x', 'hi');
});
