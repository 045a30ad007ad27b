import { describe, expect, test } from 'vitest';
import {
  floorAfter,
  isMechanism,
  MECHANISMS,
  type Mechanism,
  reaches,
  scramParts,
} from '../../../../lib/xmpp/sasl/floor.ts';

test('names', () => {
  expect(MECHANISMS.every(isMechanism)).toBe(true);
  for (const name of ['', 'plain', 'SCRAM-SHA-256-PLUS ', 'DIGEST-MD5', 'constructor'])
    expect(isMechanism(name)).toBe(false);
  expect(scramParts('SCRAM-SHA-512-PLUS')).toEqual({ hash: 'SHA-512', plus: true });
  expect(scramParts('SCRAM-SHA-1')).toEqual({ hash: 'SHA-1', plus: false });
  expect(scramParts('PLAIN')).toBeNull();
  expect(scramParts('EXTERNAL')).toBeNull();
});

// For each floor, what is still good enough: weaker neither in the binding nor in the hash.
const table: [Mechanism, Mechanism[]][] = [
  ['EXTERNAL', ['EXTERNAL']],
  ['SCRAM-SHA-512-PLUS', ['EXTERNAL', 'SCRAM-SHA-512-PLUS']],
  ['SCRAM-SHA-256-PLUS', ['EXTERNAL', 'SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS']],
  ['SCRAM-SHA-1-PLUS', ['EXTERNAL', 'SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS']],
  ['SCRAM-SHA-512', ['EXTERNAL', 'SCRAM-SHA-512-PLUS', 'SCRAM-SHA-512']],
  ['SCRAM-SHA-256', ['EXTERNAL', 'SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512', 'SCRAM-SHA-256']],
  ['SCRAM-SHA-1', MECHANISMS.filter((name) => name !== 'PLAIN')],
  ['PLAIN', [...MECHANISMS]],
];

describe('what reaches a floor', () => {
  test.each(table)('%s', (floor, good) => {
    expect(MECHANISMS.filter((name) => reaches(name, floor))).toEqual(good);
  });

  test('no floor', () => {
    expect(MECHANISMS.every((name) => reaches(name, null))).toBe(true);
  });

  test('binding is not asked of a session whose TLS is not ours; the hash is', () => {
    const can = { bind: false, external: true };
    expect(reaches('SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', can)).toBe(true);
    expect(reaches('SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', can)).toBe(false);
    expect(reaches('PLAIN', 'SCRAM-SHA-256-PLUS', can)).toBe(false);
  });

  test('EXTERNAL is not asked of a session without a certificate; but never PLAIN', () => {
    const can = { bind: true, external: false };
    expect(reaches('SCRAM-SHA-1', 'EXTERNAL', can)).toBe(true);
    expect(reaches('PLAIN', 'EXTERNAL', can)).toBe(false);
  });
});

describe('the floor to store', () => {
  test('it rises and never sinks', () => {
    for (const used of MECHANISMS) {
      expect(floorAfter(used, null)).toBe(used);
      for (const floor of MECHANISMS) expect(floorAfter(used, floor)).toBe(reaches(used, floor) ? used : floor);
    }
  });

  test('examples', () => {
    expect(floorAfter('SCRAM-SHA-256', 'PLAIN')).toBe('SCRAM-SHA-256');
    expect(floorAfter('SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS')).toBe('SCRAM-SHA-256-PLUS');
    expect(floorAfter('SCRAM-SHA-1', 'EXTERNAL')).toBe('EXTERNAL');
    expect(floorAfter('SCRAM-SHA-512', 'nonsense')).toBe('SCRAM-SHA-512');
  });
});
