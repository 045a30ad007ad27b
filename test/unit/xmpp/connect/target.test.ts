import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asciiName, parseTarget, showTarget } from '../../../../lib/xmpp/connect/target.ts';

it.each([
  ['example.org', 'example.org', 5222],
  ['example.org:15222', 'example.org', 15222],
  ['bücher.example:1', 'xn--bcher-kva.example', 1],
  ['EXAMPLE.org.', 'example.org', 5222],
  ['192.0.2.1', '192.0.2.1', 5222],
  ['192.0.2.1:65535', '192.0.2.1', 65535],
  ['::1', '::1', 5222],
  ['[::1]', '::1', 5222],
  ['[2001:db8::1]:443', '2001:db8::1', 443],
  ['[fe80::1%eth0]:5222', 'fe80::1%eth0', 5222],
])('reads %s', (text, host, port) => {
  expect(parseTarget(text, false)).toEqual({ host, port, tls: false });
});

it('has the port of direct TLS where that is wanted and none is given', () => {
  expect(parseTarget('example.org', true)).toEqual({ host: 'example.org', port: 5223, tls: true });
  expect(parseTarget('[::1]:443', true)).toEqual({ host: '::1', port: 443, tls: true });
});

it.each(
  [
    [
      '',
      '.',
      '..',
      '.example.org',
      ':5222',
      'example.org:',
      'example.org:0',
      'example.org:65536',
      'example.org:05222',
      'example.org:+1',
    ],
    ['a b', '[::1', '[example.org]:5222', '[::1]5222', '1::2::3', 'a:b:1', 'user@example.org', 'xmpp://example.org'],
  ].flat(),
)('refuses %j', (text) => {
  expect(parseTarget(text, false)).toBeNull();
});

it('never throws, and reads what it shows', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('[', ']', ':', '.', '1', 'f', 'x', '%') }),
  );
  fc.assert(
    fc.property(fc.oneof(text, fc.ipV6(), fc.ipV4(), fc.domain()), (given) => {
      const target = parseTarget(given, false);
      if (target !== null) expect(parseTarget(showTarget(target.host, target.port), false)).toEqual(target);
    }),
  );
});

it('makes A-labels', () => {
  expect(asciiName('пример.example')).toBe('xn--e1afmkfd.example');
  expect(asciiName('a..b c')).toBe('');
});
