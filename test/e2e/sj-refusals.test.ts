// Sessions that must not come about: who refuses, what is said, and what the other side has got to know by then.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Faults } from '../../loopback/faults.ts';
import { type Bed, DOMAIN, type SuiteOptions, snapshot, startBed, startSuite, until } from './bed/suite.ts';

/** Runs the suite to its end, which has this code and one line that says why; nothing of a session is there. */
async function refused(server: Bed, code: number, why: string | RegExp, options: SuiteOptions = {}): Promise<void> {
  const { dir, ...alice } = startSuite(server, options);
  expect([await alice.ended, alice.err()]).toEqual([code, expect.stringMatching(/^sj: fatal: [^\n]+\n$/)]);
  expect(alice.err()).toMatch(why);
  expect(alice.out()).toBe('');
  expect(fs.readFileSync(path.join(dir, 'state'), 'utf8')).toBe(alice.err().replace('sj: fatal:', 'failed'));
  expect(snapshot(dir).filter((name) => !name.startsWith('.'))).toEqual(['in', 'password', 'state']);
  expect(snapshot(dir)).not.toContain('.lock');
  expect(server.sessions()).toEqual([]);
}

/** Elements that clients have sent. */
const sent = (server: Bed): string[] => [...server.heard().matchAll(/<([a-z:]+)/g)].map(([, name]) => name!);

describe('the server refuses', () => {
  it('a wrong password', async () => {
    const server = await startBed();
    await refused(server, 77, /the server does not accept this user name and password/, { password: 'secret-Alice' });
    expect(server.heard()).not.toContain('secret-Alice');
  });

  it('an unknown account', async () => {
    await refused(await startBed(), 77, /user name and password/, { user: 'eve' });
  });

  it.each([
    [{ authFailure: 'account-disabled' }, 77, 'the account is disabled'],
    [{ authFailure: 'temporary-auth-failure' }, 111, 'temporary-auth-failure'],
    [
      { authFailure: 'not-authorized', authText: 'no\nsj: \u009b2J\u202e' },
      77,
      /not-authorized\): no\ufffdsj: \ufffd2J\ufffd\n$/,
    ],
    [{ bindError: 'conflict' }, 111, 'conflict'],
    [{ bindError: 'not-allowed' }, 77, 'not-allowed'],
    [{ bindError: 'resource-constraint' }, 111, 'resource-constraint'],
    [{ streamError: 'host-unknown' }, 100, 'host-unknown'],
    [{ streamError: 'system-shutdown' }, 111, 'system-shutdown'],
    [{ streamError: 'policy-violation' }, 111, 'policy-violation'],
  ] satisfies [Faults, number, string | RegExp][])('everybody: %j', async (faults, code, why) => {
    const server = await startBed({ faults });
    if ('bindError' in faults) {
      // The daemons have been started by then.
      const alice = startSuite(server);
      expect([await alice.ended, alice.err()]).toEqual([code, expect.stringMatching(why)]);
      expect(alice.err()).toMatch(/^sj: fatal: [^\n]+\n$/);
    } else await refused(server, code, why);
  });
});

describe('what answers is no server that we know, and is told so:', () => {
  const STREAM = 'http://etherx.jabber.org/streams';
  it.each([
    ['another namespace', `<s:stream xmlns:s='urn:x' xmlns='jabber:client' version='1.0'>`, 'invalid-namespace'],
    ['no XMPP', '<html>', 'invalid-namespace'],
    ['no version', `<s:stream xmlns:s='${STREAM}' xmlns='jabber:client'>`, 'unsupported-version'],
    ['an old one', `<s:stream xmlns:s='${STREAM}' xmlns='jabber:client' version='0.9'>`, 'unsupported-version'],
  ])('%s', async (_, header, condition) => {
    let heard = '';
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        heard += data;
      });
      socket.write(header);
    });
    onTestFinished(() => void server.close());
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)),
    );
    const alice = startSuite({ port });
    expect(await alice.ended).toBe(76);
    await until(() => heard.endsWith('</stream:stream>'));
    expect(heard).toContain(`<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`);
  });
});

describe.each([false, true])('sj refuses, before any credential was sent (-x: %o),', (direct) => {
  it.each([
    ['wronghost', /the certificate of example.org is not good: .*altnames/],
    ['expired', /the certificate of example.org is not good: certificate has expired/],
    ['selfsigned', /the certificate of example.org is not good: self.signed certificate.*-c or SSL_CERT_FILE/],
    ['commonname', /the certificate of example.org is not good: /],
    ['weakkey', /the certificate of example.org is not good: .*key too weak/],
    ['sha1', /the certificate of example.org is not good: .*too weak/],
    ['nosign', /the certificate of example.org is not good: /],
    ['constrained', /the certificate of example.org is not good: .*(permitted|excluded|constraint)/],
  ] as const)('a certificate of the kind %s', async (certificate, why) => {
    const server = await startBed({ certificate, mechanisms: ['PLAIN'] });
    await refused(server, 76, why, direct ? { options: ['-x'], port: server.directPort } : {});
    expect(sent(server)).toEqual(direct ? [] : ['stream:stream', 'starttls']);
    expect(server.heard()).not.toContain('alice');
  });
});

it('NODE_TLS_REJECT_UNAUTHORIZED turns nothing off', async () => {
  const server = await startBed({ certificate: 'selfsigned', mechanisms: ['PLAIN'] });
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
  await refused(server, 76, /self.signed certificate/, { env });
  expect(server.heard()).not.toContain('alice');
});

it('an SRV-ID of the service is a good name (RFC 6120 section 13.7.1.2.1)', async () => {
  await startSuite(await startBed({ certificate: 'srvname' })).online();
});

describe('sj refuses', () => {
  it('a server without STARTTLS', async () => {
    const server = await startBed({ faults: { noStarttls: true }, plaintext: true });
    await refused(server, 76, /offers no STARTTLS/);
    expect(sent(server)).toEqual(['stream:stream']);
    expect(server.heard()).not.toContain('alice');
  });

  it.each([
    [{ starttlsFailure: true }, 111, /cannot do TLS/],
    [{ proceed: "<proceed xmlns='urn:x'/>" }, 76, /instead of TLS/],
    [{ afterProceed: '<stream:features/>' }, 76, /bytes between <proceed\/> and TLS/],
    [{ afterProceed: '\u0016\u0003\u0001\u0000\u0005hello' }, 76, /bytes between <proceed\/> and TLS/],
  ] satisfies [Faults, number, RegExp][])('what comes instead of TLS: %j', async (faults, code, why) => {
    const server = await startBed({ faults });
    await refused(server, code, why);
    expect(sent(server)).toEqual(['stream:stream', 'starttls']);
    expect(server.heard()).not.toContain('alice');
  });

  it.each([
    [{ signature: 'wrong' }, /signature/],
    [{ signature: 'none' }, /does not prove that it knows the password/],
    [{ signature: 'error' }, /other-error/],
    [{ unasked: true }, /does not prove that it knows the password/],
    [{ nonce: 'short' }, /nonce/],
    [{ nonce: 'foreign' }, /nonce/],
    [{ serverFirst: (first: string) => `m=x,${first}` }, /extension/],
    [{ serverFirst: (first: string) => first.replace(/i=\d+/, 'i=1') }, /iteration|4096/],
    [{ serverFirst: (first: string) => first.replace(/i=\d+/, 'i=2000000000') }, /iteration|10000000/],
  ] satisfies [Faults['scram'], RegExp][])('a server that does not know the password: %j', async (scram, why) => {
    const server = await startBed({ faults: { scram } });
    await refused(server, 76, why);
    // No stream is opened with a server that has not proved itself: one before TLS, one after it.
    expect(sent(server).filter((name) => name === 'stream:stream')).toHaveLength(2);
    expect(sent(server)).not.toContain('iq');
  });

  it('a server that is none', async () => {
    const server = await startBed();
    await refused(server, 76, /TLS with example.org failed/, { options: ['-x'] });
  });

  it('an account that cannot be', async () => {
    const server = await startBed();
    const alice = startSuite(server, { user: 'a"b', password: 'x' });
    expect([await alice.ended, alice.err()]).toEqual([100, expect.stringMatching(/not an account/)]);
    expect(server.connections()).toBe(0);
  });
});

it('warns where the server names another account, and goes on', async () => {
  const server = await startBed({ faults: { bindJid: `mallory@${DOMAIN}/x` } });
  const alice = startSuite(server);
  await alice.online();
  expect(alice.err()).toBe(`sj: warning: the server calls this account mallory@${DOMAIN}/x\n`);
  expect(alice.read('state')).toBe(`online mallory@${DOMAIN}/x\n`);
});
