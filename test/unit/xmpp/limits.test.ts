import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fatal } from '../../../lib/cli/exit.ts';
import { limitsText } from '../../../lib/cli/limits.ts';
import { DEFAULT_LIMITS, type LimitName, suiteLimits, TABLE } from '../../../lib/xmpp/limits.ts';

const read = (given: string[] = [], env?: string) => suiteLimits(given, env, 'thing [-L NAME=VALUE]...');
const names = Object.keys(TABLE) as LimitName[];

it('has defaults within their ranges', () => {
  expect(read()).toEqual(DEFAULT_LIMITS);
  for (const name of names) {
    const { least, most } = TABLE[name];
    expect(DEFAULT_LIMITS[name]).toBeGreaterThanOrEqual(least);
    expect(DEFAULT_LIMITS[name]).toBeLessThanOrEqual(most);
  }
});

it('takes the environment before the options, and of these the last', () => {
  expect(read(['stanza=20000', 'depth=9', 'stanza=30000'], ' line=5  depth=8\tstanza=10000 ')).toEqual({
    ...DEFAULT_LIMITS,
    stanza: 30_000,
    depth: 9,
    line: 5,
  });
});

it('reads what it has written, whatever the limits are', () => {
  const limits = fc.record(
    Object.fromEntries(names.map((name) => [name, fc.integer({ min: TABLE[name].least, max: TABLE[name].most })])),
  );
  fc.assert(
    fc.property(limits, (some) => {
      expect(read([], limitsText(some as typeof DEFAULT_LIMITS))).toEqual(some);
    }),
  );
});

it.each([
  'stanza',
  'stanza=',
  'stanza=x',
  'stanza=-1',
  'stanza=1e5',
  'stanza=0x4000',
  'stanza= 20000',
  'stanza=9999',
  'depth=7',
  `stanza=${TABLE.stanza.most + 1}`,
  'stanza=9999999999999999999',
  '=5',
  '',
  'nothing=5',
  'constructor=5',
  '__proto__=5',
])('refuses %j', (text) => {
  for (const [given, env] of [
    [[text], undefined],
    [[], text.replace(/ /g, '') || '='],
  ] as const) {
    if (env === 'stanza=20000') continue;
    let error: unknown;
    try {
      read([...given], env);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(Fatal);
    expect(error).toMatchObject({ code: 100, usage: 'thing [-L NAME=VALUE]...' });
    expect((error as Fatal).message).toMatch(env === undefined ? /^option -L: / : /^SJ_LIMITS: /);
  }
});
