import type { PeerCertificate } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alternativeNames, checkIdentity } from '../../../../lib/xmpp/stream/identity-check.ts';

const check = (subjectaltname: string, domain = 'example.org', CN = 'example.org') =>
  checkIdentity(domain, { subjectaltname, subject: { CN } } as PeerCertificate)?.message ?? 'good';

it.each([
  ['DNS:example.org'],
  ['DNS:other.example, DNS:*.example.net, DNS:example.org'],
  ['othername:SRVName:_xmpp-client.example.org'],
  ['DNS:web.example, othername:SRVName:_xmpps-client.Example.ORG'],
  ['othername:XmppAddr:example.org'],
])('%s is good for example.org', (names) => expect(check(names)).toBe('good'));

it.each([
  [''],
  ['DNS:example.com'],
  ['othername:SRVName:_xmpp-server.example.org'],
  ['othername:SRVName:_xmpp-client.example.org.evil'],
  ['othername:SRVName:_imap.example.org'],
  ['othername:XmppAddr:alice@example.org'],
  ['URI:xmpp:example.org'],
  ['othername:SRVName:"_xmpp-client.x, DNS:example.org"'],
  ['othername:UPN:"a, othername:SRVName:_xmpp-client.example.org"'],
  ['IP Address:192.0.2.1'],
])('%s is not good for example.org, whatever the common name', (names) => expect(check(names)).not.toBe('good'));

it('an address is compared as an address', () => {
  expect(check('IP Address:192.0.2.1', '192.0.2.1')).toBe('good');
  expect(check('DNS:192.0.2.1', '192.0.2.1')).not.toBe('good');
});

describe('names', () => {
  it('in quotes are one name, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const quoted = JSON.stringify(`${text},`);
        expect(alternativeNames(`DNS:a, othername:SRVName:${quoted}, DNS:b`)).toEqual([
          { kind: 'DNS', value: 'a' },
          { kind: 'othername:SRVName', value: `${text},` },
          { kind: 'DNS', value: 'b' },
        ]);
      }),
    );
  });

  it('that cannot be read end the list', () => {
    expect(alternativeNames('DNS:a, "x, DNS:b')).toEqual([{ kind: 'DNS', value: 'a' }]);
  });
});
