import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXIT, Fatal } from '../../../../lib/cli/exit.ts';
import { parseArguments, USAGE } from '../../../../lib/xmpp/connect/arguments.ts';

const sj = (...argv: string[]) => parseArguments(argv).sj;
const ALICE = ['-u', 'alice', '-s', 'example.org'];

describe('the account', () => {
  it('is all that is needed', () => {
    expect(parseArguments(['Alice@Example.ORG'])).toEqual({
      domain: 'example.org',
      account: 'alice@example.org',
      dir: undefined,
      target: undefined,
      want: 'both',
      password: undefined,
      ready: undefined,
      keep: undefined,
      sj: ALICE,
    });
  });

  it('may have a resource, unless -r says another', () => {
    expect(sj('alice@example.org/a phone')).toEqual([...ALICE, '-r', 'a phone']);
    expect(sj('-r', 'desk', 'alice@example.org/phone')).toEqual([...ALICE, '-r', 'desk']);
  });

  it('may have a name in any script, and a server that is an address', () => {
    expect(sj('ünal@xn--bcher-kva.example')).toEqual(['-u', 'ünal', '-s', 'bücher.example']);
    expect(sj('alice@[::1]')).toEqual(['-u', 'alice', '-s', '[::1]']);
  });
});

describe('options', () => {
  it('stand on either side, and go to sj', () => {
    const expected = [...ALICE, '-D', '-I', '-I', '-c', 'ca.pem', '-d', '-odd', '-r', 'x', '-t', '30'];
    const given = ['-DI', '-c', 'ca.pem', '-d', '-odd', '-p3', '-n', '4', '-r', 'x', '-I', '-t', '30'];
    expect(sj(...given, 'alice@example.org')).toEqual(expected);
    expect(sj('alice@example.org', ...given)).toEqual(expected);
    expect(sj(...given.slice(0, 3), 'alice@example.org', ...given.slice(3))).toEqual(expected);
  });

  it('end at --', () => {
    expect(sj('-D', '--', 'alice@example.org')).toEqual([...ALICE, '-D']);
    expect(sj('--', '-a@example.org')).toEqual(['-u', '-a', '-s', 'example.org']);
  });

  it('decide where to look, and are not -x yet', () => {
    expect(parseArguments(['-x', 'alice@example.org'])).toMatchObject({ want: 'direct', sj: ALICE });
    expect(parseArguments(['-I', 'alice@example.org'])).toMatchObject({ want: 'starttls', sj: [...ALICE, '-I'] });
    expect(parseArguments(['-H', 'a:1', 'alice@example.org']).target).toEqual({ host: 'a', port: 1, tls: false });
    expect(parseArguments(['alice@example.org', '-xH', 'a']).target).toEqual({ host: 'a', port: 5223, tls: true });
  });

  it('name descriptors', () => {
    expect(parseArguments(['-p', '12', 'alice@example.org', '-n3'])).toMatchObject({ password: 12, ready: 3 });
  });

  it.each([
    [['-k'], 1000, 300_000],
    [['-k', '-w', '5'], 5000, 300_000],
    [['-w', '0.05', '-k'], 50, 300_000],
    [['-k', '-w', '2.5:10'], 2500, 10_000],
    [['-k', '-w', '3600'], 3_600_000, 3_600_000],
  ])('tell how long to wait: %j', (argv, first, most) => {
    expect(parseArguments([...argv, 'alice@example.org']).keep).toEqual({ first, most });
  });

  it.each([['0'], [''], ['x'], ['1:'], [':1'], ['2:1'], ['-1'], ['1e3'], ['1:2:3']])('do not wait for %j', (text) => {
    expect(() => parseArguments(['-k', '-w', text, 'alice@example.org'])).toThrow(Fatal);
  });
});

it('takes a name or refuses it with the usage, whatever it is', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 }), (argv) => {
      try {
        expect(parseArguments(argv).sj.slice(0, 4)).toEqual(['-u', expect.any(String), '-s', expect.any(String)]);
      } catch (error) {
        if (!(error instanceof Fatal)) throw error;
        expect([error.code, error.usage]).toEqual([EXIT.usage, USAGE]);
      }
    }),
  );
});
