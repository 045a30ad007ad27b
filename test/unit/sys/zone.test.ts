import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { parseZone, refreshZone, zoneName } from '../../../lib/sys/zone.ts';

const { TZ } = process.env;
afterEach(() => {
  if (TZ === undefined) delete process.env.TZ;
  else process.env.TZ = TZ;
});

const ZONES = ['Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'Asia/Kolkata', 'Africa/Monrovia', 'UTC'];

it.each(ZONES.filter((name) => fs.existsSync(`/usr/share/zoneinfo/${name}`)))(
  'has the names of %s that date(1) has, in all times',
  (name) => {
    process.env.TZ = name;
    for (const at of [
      '1960-07-01',
      '1971-01-01',
      '1985-07-01',
      '2024-01-01',
      '2024-07-01',
      '2050-01-01',
      '2050-07-01',
    ]) {
      const date = new Date(`${at}T12:00:00Z`);
      const expected = execFileSync('date', ['-d', `@${date.getTime() / 1000}`, '+%Z'], { encoding: 'utf8' });
      expect(`${at} ${zoneName(date)}`).toBe(`${at} ${expected.trim()}`);
    }
  },
);

it('tells the offset where nothing else is known', () => {
  process.env.TZ = 'Etc/GMT+5';
  expect(zoneName(new Date(0))).toMatch(/^-05$/);
});

it('takes nothing for a zone that is none', () => {
  expect(() => parseZone(Buffer.from('TZif'))).toThrow();
  expect(() => parseZone(Buffer.alloc(200))).toThrow('not a time zone');
});

it('is not taken anew without need', () => {
  expect(refreshZone()).toBe(false);
});
