import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { stamp } from '../../../lib/sys/stamp.ts';

const date = new Date(2024, 2, 5, 7, 8, 9);

it('is minutes of local time by default', () => {
  expect(stamp(undefined, date)).toBe('2024-03-05 07:08');
  expect(stamp('', date)).toBe('2024-03-05 07:08');
});

it('is seconds since the epoch for ii front ends', () => {
  expect(stamp('epoch', new Date(1_700_000_000_999))).toBe('1700000000');
});

it.each([
  '%Y%m%dT%H%M%S',
  '%F %T %z',
  '%R',
  '%D',
  '%y %e %I %p',
  '%a %A %b %h %B',
  '%j %u %w',
  '100%%',
  '%s',
  'at %H',
  '%G-W%V',
  '%g %C',
  '%U %W',
  '%r|%c|%x|%X',
  '%k %l %P',
  '%Z',
  '%Ey %Od',
])('writes %s as date(1) does', (format) => {
  for (const at of [
    date,
    new Date(2023, 11, 31, 23, 59, 59),
    new Date(2024, 11, 31, 0, 0, 0),
    new Date(2024, 6, 7, 12, 30),
    new Date(2021, 0, 3, 0, 5),
    new Date(2027, 0, 1, 13, 5),
    new Date(2040, 6, 1),
  ]) {
    const seconds = Math.floor(at.getTime() / 1000);
    const expected = execFileSync('date', ['-d', `@${seconds}`, `+${format}`], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    expect(stamp(format, at)).toBe(expected.slice(0, -1));
  }
});

it('cannot break a line', () => {
  expect(stamp('%H%n%M\n\r', date)).not.toMatch(/[\n\r]/);
});

it('leaves alone what it does not know', () => {
  expect(stamp('%Q %', date)).toBe('%Q %');
});
