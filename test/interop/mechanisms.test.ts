import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { passwordOf } from './bed/hosts.ts';
import { prosody } from './bed/prosody.ts';
import type { Server } from './bed/server.ts';
import { until } from './bed/until.ts';
import { useServer } from './bed/use-server.ts';
import { type SuiteOptions, startSuite } from './suite.ts';

/** Logs in, and returns the mechanisms that were tried for it. */
async function tried(server: Server, domain: string, options: SuiteOptions = {}): Promise<string[]> {
  const before = server.attempts().length;
  const alice = await (await startSuite(server, `alice@${domain}`, options)).online();
  expect(await alice.stop()).toBe(0);
  return until('the log of the server', () => {
    const attempts = server.attempts().slice(before);
    return attempts.length > 0 && attempts;
  });
}

/** Whatever in a text is base64, decoded. */
const decoded = (text: string) =>
  (text.match(/[A-Za-z0-9+/]{8,}={0,2}/g) ?? []).map((word) => Buffer.from(word, 'base64').toString('latin1'));

describe('prosody', () => {
  const server = useServer(prosody);

  it.each([
    ['the best of those that are offered', 'localhost', 'SCRAM-SHA-256'],
    ['SCRAM-SHA-256', 'sha256.localhost', 'SCRAM-SHA-256'],
    ['SCRAM-SHA-1', 'sha1.localhost', 'SCRAM-SHA-1'],
    ['SCRAM where the server does not know the password itself', 'hashed.localhost', 'SCRAM-SHA-1'],
    ['PLAIN where there is nothing else', 'plain.localhost', 'PLAIN'],
    ['SCRAM where tls-unique alone is meant by -PLUS', 'tls12.localhost', 'SCRAM-SHA-256'],
  ])('takes %s', async (_, domain, mechanism) => {
    expect((await tried(server, domain)).at(-1)).toBe(mechanism);
    expect((await tried(server, domain, { way: 'sj -x' })).at(-1)).toBe(mechanism);
  });

  it('takes SCRAM where there is no TLS, if we allow that', async () => {
    expect(await tried(server, 'clear.localhost', { options: ['-I'] })).toEqual(['SCRAM-SHA-256']);
  });

  it('takes PLAIN where there is no TLS, if we allow that twice', async () => {
    expect(await tried(server, 'clearplain.localhost', { options: ['-I', '-I'] })).toEqual(['PLAIN']);
  });

  it.each(['plain.localhost', 'localhost'])('shows what is said at %s, and no secret', async (domain) => {
    const alice = await (await startSuite(server, `alice@${domain}`, { options: ['-D'] })).online();
    expect(await alice.stop()).toBe(0);
    const trace = alice.job.stderr;
    expect(trace).toContain(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'`);
    expect(trace).toContain(`<jid>${alice.full}</jid>`);
    for (const text of [trace, ...decoded(trace)]) {
      expect(text).not.toContain(passwordOf('alice'));
      // The proof and the server's signature: what a guess at the password can be checked against.
      expect(text).not.toMatch(/(^|,)[pv]=/);
    }
  });
});

describe('ejabberd', () => {
  const server = useServer(ejabberd);

  it.each([
    ['the best of those that are offered', 'localhost', 'SCRAM-SHA-512'],
    ['SCRAM-SHA-512', 'sha512.localhost', 'SCRAM-SHA-512'],
    ['SCRAM-SHA-256', 'sha256.localhost', 'SCRAM-SHA-256'],
    ['SCRAM-SHA-1', 'sha1.localhost', 'SCRAM-SHA-1'],
    ['SCRAM where the server does not know the password itself', 'hashed.localhost', 'SCRAM-SHA-512'],
    ['PLAIN where there is nothing else', 'plain.localhost', 'PLAIN'],
  ])('takes %s', async (_, domain, mechanism) => {
    expect((await tried(server, domain)).at(-1)).toBe(mechanism);
    expect((await tried(server, domain, { way: 'sj -x' })).at(-1)).toBe(mechanism);
  });

  it('takes SCRAM where there is no TLS, if we allow that', async () => {
    const port = server.port.clear;
    expect(await tried(server, 'localhost', { port, options: ['-I'] })).toEqual(['SCRAM-SHA-512']);
  });

  it('takes PLAIN where there is no TLS, if we allow that twice', async () => {
    const port = server.port.clear;
    expect(await tried(server, 'plain.localhost', { port, options: ['-I', '-I'] })).toEqual(['PLAIN']);
  });
});
