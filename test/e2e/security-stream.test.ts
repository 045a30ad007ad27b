// The way to a session: nobody in between, and no server that is not the account's, gets a password, a word or a detour.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority } from '../../loopback/certs.ts';
import type { Faults } from '../../loopback/faults.ts';
import { ALICE, type Bed, DOMAIN, startBed, startSuite } from './bed/suite.ts';

const TLS_NS = 'urn:ietf:params:xml:ns:xmpp-tls';
const SASL_NS = 'urn:ietf:params:xml:ns:xmpp-sasl';
const STREAMS_NS = 'urn:ietf:params:xml:ns:xmpp-streams';

/** Runs sj to its end: its code and what it says, and what the server has heard of the account. */
async function refused(server: Bed, options: readonly string[] = []): Promise<[number | string, string]> {
  const alice = startSuite(server, { options });
  const code = await alice.ended;
  expect(server.heard()).not.toMatch(/<(auth|response|iq)\b/);
  expect(server.sessions()).toEqual([]);
  return [code, alice.err()];
}

/** Before TLS only, so that what comes after it is as it should be. */
function inTheClear(instead: string): Faults {
  let first = true;
  return {
    features(xml) {
      const was = first;
      first = false;
      return was ? instead : xml;
    },
  };
}

describe('in the place of the features before TLS, from somebody in between', () => {
  it.each([
    ['<proceed/> that was not asked for', `<proceed xmlns='${TLS_NS}'/>`, 76],
    ['<success/> that was not asked for', `<success xmlns='${SASL_NS}'/>`, 76],
    ['features of a login in the clear (STARTTLS stripping, CVE-2016-10027)', mechanismsOnly(), 76],
    ['features of a session without a login', bindOnly(), 76],
    ['features with STARTTLS in another namespace', `<stream:features><starttls xmlns='urn:x'/></stream:features>`, 76],
    [
      'features of a namespace that is not the stream’s',
      `<features xmlns='urn:x'><starttls xmlns='${TLS_NS}'/></features>`,
      76,
    ],
    ['a stanza', `<message from='${DOMAIN}'><body>x</body></message>`, 76],
    ['an acknowledgement of stream management', `<resumed xmlns='urn:xmpp:sm:3' previd='x' h='0'/>`, 76],
  ] as const)('%s ends it before anything is said', async (_, instead, code) => {
    const server = await startBed({ plaintext: true, faults: inTheClear(instead) });
    expect(await refused(server)).toEqual([code, expect.stringMatching(/^sj: fatal: [^\n]+\n$/)]);
    expect(server.heard()).not.toContain('alice');
  });
});

function mechanismsOnly(): string {
  return `<stream:features><mechanisms xmlns='${SASL_NS}'><mechanism>PLAIN</mechanism></mechanisms></stream:features>`;
}

function bindOnly(): string {
  return `<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>`;
}

describe('who is sent elsewhere', () => {
  async function decoy(): Promise<{ host: string; met: () => number }> {
    let met = 0;
    const server = net.createServer((socket) => {
      met++;
      socket.destroy();
    });
    server.listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    return { host: `127.0.0.1:${(server.address() as net.AddressInfo).port}`, met: () => met };
  }
  const elsewhere = (host: string) =>
    `<stream:error><see-other-host xmlns='${STREAMS_NS}'>${host}</see-other-host></stream:error></stream:stream>`;

  it('by <see-other-host/> before TLS does not go there', async () => {
    const { host, met } = await decoy();
    const server = await startBed({ faults: inTheClear(elsewhere(host)) });
    expect(await refused(server)).toEqual([111, expect.stringContaining('see-other-host')]);
    expect(met()).toBe(0);
  });

  it('by <see-other-host/> in a session does not go there either: that is for who starts it again', async () => {
    const { host, met } = await decoy();
    const server = await startBed();
    const alice = await startSuite(server).online();
    await server.inject(ALICE, elsewhere(host));
    expect(await alice.ended).toBe(111);
    expect(met()).toBe(0);
  });
});

describe('TLS', () => {
  it('must be 1.2 or later', async () => {
    const identity = createAuthority().server([DOMAIN], 'good');
    const server = tls.createServer({
      key: identity.key,
      cert: identity.cert,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const alice = startSuite({ port: (server.address() as net.AddressInfo).port }, { options: ['-x'] });
    expect([await alice.ended, alice.err()]).toEqual([
      76,
      expect.stringMatching(/^sj: fatal: TLS with example.org failed: [^\n]*version[^\n]*\n$/),
    ]);
  });

  it('is with the account’s domain, whatever name the server gives itself (CVE-2022-24968)', async () => {
    const server = await startBed({ certificate: 'wronghost', faults: { headerFrom: 'wrong.example' } });
    expect(await refused(server)).toEqual([76, expect.stringContaining('the certificate of example.org is not good')]);
  });
});

describe('compression', () => {
  it('is never asked for, though it is offered: secrets and words of others in one stream (CVE-2014-2744)', async () => {
    const offer = `<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>`;
    const features = (xml: string) => xml.replace('</stream:features>', `${offer}</stream:features>`);
    const server = await startBed({ faults: { features } });
    await startSuite(server).online();
    expect(server.heard()).not.toContain('compress');
  });
});
