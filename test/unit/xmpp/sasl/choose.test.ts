import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Choice, type Circumstances, choose } from '../../../../lib/xmpp/sasl/choose.ts';
import { SaslError } from '../../../../lib/xmpp/sasl/error.ts';
import { MECHANISMS, reaches } from '../../../../lib/xmpp/sasl/floor.ts';
import { runs } from '../../../runs.ts';

const exporter = Buffer.from('exporter');
const endPoint = Buffer.from('end point');
const both = new Map([
  ['tls-exporter', exporter],
  ['tls-server-end-point', endPoint],
]);
const onlyEndPoint = new Map([['tls-server-end-point', endPoint]]);
const none = new Map<string, Uint8Array>();

const base: Circumstances = {
  offered: [],
  announced: null,
  bindings: both,
  tls: true,
  plainInClear: false,
  floor: null,
  haveCert: false,
};

/** A choice in one line: `MECHANISM FLAG`, with `!` where the server must vouch; or the code and exit of the refusal. */
function outcome(at: Partial<Circumstances>): string {
  const show = ({ mechanism, binding, mustVouch }: Choice) => {
    const flag = binding.kind === 'used' ? `p=${binding.type}` : binding.kind === 'unused' ? 'y' : 'n';
    return `${mechanism} ${flag}${mustVouch ? '!' : ''}`;
  };
  try {
    return show(choose({ ...base, ...at }));
  } catch (error) {
    if (error instanceof SaslError) return `${error.code} ${error.exit}`;
    throw error;
  }
}

function refusal(at: Partial<Circumstances>): string {
  try {
    choose({ ...base, ...at });
  } catch (error) {
    if (error instanceof SaslError) return error.message;
    throw error;
  }
  return '';
}

const plain = ['PLAIN'];
const scram = ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];
const plus = [...scram, 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512-PLUS'];
const outside = { bindings: null };
const clear = { bindings: null, tls: false };
const announced = ['tls-exporter', 'tls-server-end-point'];

describe('the table', () => {
  test.each<[string, Partial<Circumstances>, string]>([
    // Order.
    ['everything, and a certificate', { offered: [...plus, 'EXTERNAL'], announced, haveCert: true }, 'EXTERNAL n'],
    [
      'EXTERNAL without a certificate',
      { offered: [...plus, 'EXTERNAL'], announced },
      'SCRAM-SHA-512-PLUS p=tls-exporter',
    ],
    ['a certificate without EXTERNAL', { offered: scram, haveCert: true }, 'SCRAM-SHA-512 y'],
    [
      '-PLUS before a longer hash',
      { offered: [...scram, 'SCRAM-SHA-1-PLUS'], announced },
      'SCRAM-SHA-1-PLUS p=tls-exporter',
    ],
    ['SHA-256 before SHA-1', { offered: ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'PLAIN'] }, 'SCRAM-SHA-256 y'],
    ['SHA-1 before PLAIN', { offered: ['PLAIN', 'SCRAM-SHA-1'] }, 'SCRAM-SHA-1 y'],
    ['PLAIN last', { offered: ['X-OAUTH2', 'PLAIN', 'DIGEST-MD5'] }, 'PLAIN n'],
    // Which binding.
    [
      'only the certificate in common',
      { offered: plus, announced: ['tls-unique', 'tls-server-end-point'] },
      'SCRAM-SHA-512-PLUS p=tls-server-end-point',
    ],
    ['TLS 1.2', { offered: plus, announced, bindings: onlyEndPoint }, 'SCRAM-SHA-512-PLUS p=tls-server-end-point'],
    // GS2 flags.
    ['no -PLUS, nothing announced', { offered: scram }, 'SCRAM-SHA-512 y'],
    ['no -PLUS, but types announced', { offered: scram, announced }, 'SCRAM-SHA-512 y'],
    ['no -PLUS, and nothing of ours to bind with', { offered: scram, bindings: none }, 'SCRAM-SHA-512 y'],
    ['-PLUS, nothing announced: it means tls-unique', { offered: plus }, 'SCRAM-SHA-512 n'],
    [
      '-PLUS with a hash that we have not got',
      { offered: ['SCRAM-SHA-256', 'SCRAM-SHA3-512-PLUS'], announced },
      'SCRAM-SHA-256 n',
    ],
    ['-PLUS, no type of ours, no end point', { offered: plus, announced: ['tls-unique'] }, 'SCRAM-SHA-512 n!'],
    ['-PLUS, an empty announcement', { offered: plus, announced: [] }, 'SCRAM-SHA-512 n!'],
    ['-PLUS, an end point that is not defined here', { offered: plus, announced, bindings: none }, 'SCRAM-SHA-512 n'],
    [
      'EXTERNAL has no list to vouch for',
      { offered: [...plus, 'EXTERNAL'], announced: ['x'], haveCert: true },
      'EXTERNAL n',
    ],
    ['TLS outside of us', { offered: plus, announced, ...outside }, 'SCRAM-SHA-512 n'],
    ['TLS outside of us, no -PLUS', { offered: scram, ...outside }, 'SCRAM-SHA-512 n'],
    ['TLS outside of us, PLAIN', { offered: plain, ...outside }, 'PLAIN n'],
    // Without TLS.
    ['SCRAM in the clear', { offered: scram, ...clear }, 'SCRAM-SHA-512 n'],
    ['PLAIN in the clear', { offered: plain, ...clear }, 'no-mechanism 76'],
    ['PLAIN in the clear, allowed', { offered: plain, ...clear, plainInClear: true }, 'PLAIN n'],
    [
      'SCRAM before PLAIN even where it is allowed',
      { offered: scram, ...clear, plainInClear: true },
      'SCRAM-SHA-512 n',
    ],
    ['EXTERNAL in the clear', { offered: ['EXTERNAL'], ...clear, haveCert: true }, 'no-mechanism 76'],
    // Nothing fits.
    ['nothing', {}, 'no-mechanism 76'],
    ['nothing that we know', { offered: ['DIGEST-MD5', 'ANONYMOUS', 'scram-sha-1'] }, 'no-mechanism 76'],
    ['only -PLUS, nothing announced', { offered: ['SCRAM-SHA-256-PLUS'] }, 'no-mechanism 76'],
    ['only -PLUS, TLS outside', { offered: ['SCRAM-SHA-256-PLUS'], announced, ...outside }, 'no-mechanism 76'],
    [
      '-PLUS and PLAIN, a list that may have been changed',
      { offered: ['SCRAM-SHA-1-PLUS', 'PLAIN'], announced: ['x'] },
      'binding-stripped 76',
    ],
    // The floor.
    ['at the floor', { offered: scram, floor: 'SCRAM-SHA-512' }, 'SCRAM-SHA-512 y'],
    ['above the floor', { offered: scram, floor: 'SCRAM-SHA-1' }, 'SCRAM-SHA-512 y'],
    ['below: PLAIN', { offered: plain, floor: 'SCRAM-SHA-1' }, 'below-floor 76'],
    ['below: a shorter hash', { offered: ['SCRAM-SHA-1', 'PLAIN'], floor: 'SCRAM-SHA-256' }, 'below-floor 76'],
    ['below: no binding', { offered: scram, floor: 'SCRAM-SHA-1-PLUS' }, 'below-floor 76'],
    ['below: the announcement is gone', { offered: plus, floor: 'SCRAM-SHA-1-PLUS' }, 'below-floor 76'],
    ['below: the types are strange', { offered: plus, announced: ['x'], floor: 'SCRAM-SHA-1-PLUS' }, 'below-floor 76'],
    [
      'below: a certificate without a hash',
      { offered: plus, announced, bindings: none, floor: 'SCRAM-SHA-1-PLUS' },
      'below-floor 76',
    ],
    [
      'a binding does not make up for the hash',
      { offered: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'], announced, floor: 'SCRAM-SHA-256' },
      'below-floor 76',
    ],
    [
      'the longer hash without -PLUS, if that was used',
      { offered: [...scram, 'SCRAM-SHA-1-PLUS'], announced, floor: 'SCRAM-SHA-512' },
      'SCRAM-SHA-512 n',
    ],
    [
      'a floor of -PLUS, TLS outside now',
      { offered: plus, announced, ...outside, floor: 'SCRAM-SHA-256-PLUS' },
      'SCRAM-SHA-512 n',
    ],
    [
      'a floor of -PLUS, TLS outside now, PLAIN',
      { offered: plain, ...outside, floor: 'SCRAM-SHA-256-PLUS' },
      'below-floor 76',
    ],
    ['a floor of EXTERNAL, the certificate is gone', { offered: scram, floor: 'EXTERNAL' }, 'SCRAM-SHA-512 y'],
    [
      'a floor of EXTERNAL, the server does not take it',
      { offered: scram, floor: 'EXTERNAL', haveCert: true },
      'below-floor 76',
    ],
    ['a floor of EXTERNAL, PLAIN', { offered: plain, floor: 'EXTERNAL' }, 'below-floor 76'],
    ['PLAIN again', { offered: plain, floor: 'PLAIN' }, 'PLAIN n'],
    [
      'PLAIN allowed in the clear does not lift the floor',
      { offered: plain, ...clear, plainInClear: true, floor: 'SCRAM-SHA-1' },
      'below-floor 76',
    ],
    ['a floor that nobody knows', { offered: scram, floor: 'SCRAM-SHA3-512' }, 'unknown-floor 100'],
    ['an empty floor', { offered: scram, floor: '' }, 'unknown-floor 100'],
    // Real servers.
    ['prosody 0.12, TLS 1.3', { offered: ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'PLAIN'] }, 'SCRAM-SHA-256 y'],
    [
      'prosody 0.12, TLS 1.2',
      {
        offered: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'PLAIN'],
        bindings: onlyEndPoint,
      },
      'SCRAM-SHA-256 n',
    ],
    ['ejabberd 23.01', { offered: plus }, 'SCRAM-SHA-512 n'],
    [
      'prosody 13',
      { offered: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'], announced },
      'SCRAM-SHA-256-PLUS p=tls-exporter',
    ],
    ['LDAP behind a server that announces types', { offered: plain, announced }, 'PLAIN n'],
  ])('%s', (_, at, expected) => {
    expect(outcome(at)).toBe(expected);
  });
});

test('the data goes with its type', () => {
  expect(choose({ ...base, offered: plus, announced }).binding).toEqual({
    kind: 'used',
    type: 'tls-exporter',
    data: exporter,
  });
});

describe('why nothing fits', () => {
  test.each<[Partial<Circumstances>, RegExp]>([
    [{}, /^the server offers no mechanism: nothing that sj knows$/],
    [{ offered: ['DIGEST-MD5', 'X-A'] }, /^the server offers only DIGEST-MD5, X-A: nothing that sj knows$/],
    [{ offered: plain, ...clear }, /^the server offers only PLAIN: PLAIN would show the password/],
    [
      { offered: plain, floor: 'SCRAM-SHA-256' },
      /^the server offers only PLAIN, and SCRAM-SHA-256 was used before: somebody may sit/,
    ],
    [
      { offered: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'], floor: 'SCRAM-SHA-1-PLUS' },
      /without a channel binding that sj knows, and SCRAM-SHA-1-PLUS was used before/,
    ],
    [{ offered: ['SCRAM-SHA-1-PLUS', 'EXTERNAL'] }, /EXTERNAL needs a client certificate; there is no channel binding/],
    [{ offered: scram, floor: 'X' }, /does not know the mechanism that was used before: X/],
  ])('%j', (at, text) => {
    expect(refusal(at)).toMatch(text);
  });

  test('a list without end is cut', () => {
    expect(refusal({ offered: Array.from({ length: 10_000 }, (_, i) => `X-${i}`) }).length).toBeLessThan(400);
  });
});

test('whatever comes: only what was offered, never below the floor, never PLAIN in the clear unasked', () => {
  const circumstances = fc.record({
    offered: fc.subarray([...MECHANISMS, 'DIGEST-MD5', 'SCRAM-SHA3-512-PLUS']),
    announced: fc.option(fc.subarray(['tls-exporter', 'tls-server-end-point', 'tls-unique'])),
    bindings: fc.constantFrom(null, none, onlyEndPoint, both),
    tls: fc.boolean(),
    plainInClear: fc.boolean(),
    floor: fc.option(fc.constantFrom<string>(...MECHANISMS)),
    haveCert: fc.boolean(),
  });
  fc.assert(
    fc.property(circumstances, (at) => {
      let choice: Choice;
      try {
        choice = choose(at);
      } catch (error) {
        expect(error).toBeInstanceOf(SaslError);
        return;
      }
      const { mechanism, binding } = choice;
      expect(at.offered).toContain(mechanism);
      const can = { bind: at.bindings !== null, external: at.haveCert && at.tls };
      expect(reaches(mechanism, at.floor as never, can)).toBe(true);
      if (mechanism === 'PLAIN') expect(at.tls || at.plainInClear).toBe(true);
      if (mechanism === 'EXTERNAL') expect(at.tls && at.haveCert).toBe(true);
      expect(mechanism.endsWith('-PLUS')).toBe(binding.kind === 'used');
      // RFC 5802 section 6: `y` would be a lie where the server lists -PLUS, and it would be refused.
      if (binding.kind === 'unused') expect(at.offered.some((name) => name.endsWith('-PLUS'))).toBe(false);
    }),
    { numRuns: runs(2000) },
  );
});
