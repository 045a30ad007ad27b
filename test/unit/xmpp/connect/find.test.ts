import { describe, expect, it } from 'vitest';
import { EXIT } from '../../../../lib/cli/exit.ts';
import { findServers, type Resolve, type Want } from '../../../../lib/xmpp/connect/find.ts';
import type { SrvRecord } from '../../../../lib/xmpp/connect/srv.ts';

type Records = Omit<SrvRecord, 'tls'>[];

const srv = (name: string, port: number, priority = 0, weight = 0) => ({ name, port, priority, weight });
const NONE = Object.assign(new Error('querySrv ENOTFOUND'), { code: 'ENOTFOUND' });
const EMPTY = Object.assign(new Error('querySrv ENODATA'), { code: 'ENODATA' });
const SERVFAIL = Object.assign(new Error('querySrv ESERVFAIL'), { code: 'ESERVFAIL' });
const TIMEOUT = Object.assign(new Error('queryCancelled'), { code: 'ECANCELLED' });

/** A DNS with these answers; it notes what it was asked. */
function dns(direct: Records | Error, starttls: Records | Error) {
  const asked: string[] = [];
  const resolve: Resolve = (name) => {
    asked.push(name);
    const answer = name.startsWith('_xmpps-') ? direct : starttls;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { asked, resolve };
}

const find = (want: Want, direct: Records | Error, starttls: Records | Error, domain = 'example.org') =>
  findServers(domain, want, dns(direct, starttls).resolve, () => 0);

const itself = { host: 'example.org', port: 5222, tls: false };

describe('with SRV records', () => {
  const direct = [srv('tls.example.org', 443, 10)];
  const starttls = [srv('b.example.org', 5222, 20), srv('a.example.org', 5222, 5)];
  const a = { host: 'a.example.org', port: 5222, tls: false };
  const b = { host: 'b.example.org', port: 5222, tls: false };
  const tls = { host: 'tls.example.org', port: 443, tls: true };

  it('mixes both services by priority (XEP-0368 3)', async () => {
    expect(await find('both', direct, starttls)).toEqual({ targets: [a, tls, b] });
  });

  it('asks for the service that is wanted alone', async () => {
    const server = dns(direct, starttls);
    expect(await findServers('example.org', 'direct', server.resolve)).toEqual({ targets: [tls] });
    expect(await findServers('example.org', 'starttls', server.resolve)).toEqual({ targets: [a, b] });
    expect(server.asked).toEqual(['_xmpps-client._tcp.example.org', '_xmpp-client._tcp.example.org']);
  });

  it.each([NONE, EMPTY, SERVFAIL, TIMEOUT])('does with one of them: %s', async (error) => {
    expect(await find('both', error, starttls)).toEqual({ targets: [a, b] });
    expect(await find('both', direct, error)).toEqual({ targets: [tls] });
  });

  it('asks for A-labels', async () => {
    const server = dns(NONE, NONE);
    const { targets } = await findServers('bücher.example', 'both', server.resolve);
    expect(server.asked).toEqual([
      '_xmpps-client._tcp.xn--bcher-kva.example',
      '_xmpp-client._tcp.xn--bcher-kva.example',
    ]);
    expect(targets).toEqual([{ host: 'xn--bcher-kva.example', port: 5222, tls: false }]);
  });
});

describe('without SRV records', () => {
  it.each([
    [NONE, NONE],
    [EMPTY, NONE],
    [[], []],
    [SERVFAIL, NONE],
    [NONE, TIMEOUT],
  ])('the domain is the target (RFC 6120 3.2.2) (%#)', async (direct, starttls) => {
    expect(await find('both', direct, starttls)).toEqual({ targets: [itself] });
  });

  it.each([
    [SERVFAIL, SERVFAIL, 'ESERVFAIL'],
    [TIMEOUT, SERVFAIL, 'ECANCELLED'],
  ])('it warns if it could ask nobody (%#)', async (direct, starttls, code) => {
    expect(await find('both', direct, starttls)).toEqual({
      targets: [itself],
      warning: `cannot look up the SRV records of example.org (${code}): trying the domain itself`,
    });
  });

  it('the domain is the target of direct TLS too, if that is wanted', async () => {
    expect(await find('direct', NONE, NONE)).toEqual({ targets: [{ host: 'example.org', port: 5223, tls: true }] });
    expect((await find('direct', SERVFAIL, NONE)).warning).toMatch('ESERVFAIL');
    expect((await find('starttls', NONE, SERVFAIL)).warning).toMatch('ESERVFAIL');
  });
});

describe('the target "." (RFC 2782)', () => {
  const refusal = [srv('', 0)];
  const refused = expect.objectContaining({
    code: EXIT.usage,
    message: 'example.org offers no XMPP to clients, says its DNS',
  });

  it.each([[refusal], [[srv('.', 0)]]])('says that there is no such service', async (answer) => {
    await expect(find('both', NONE, answer)).rejects.toEqual(refused);
    await expect(find('both', answer, answer)).rejects.toEqual(refused);
    await expect(find('direct', answer, NONE)).rejects.toEqual(refused);
  });

  it('of one service forbids the fallback to addresses where nothing is said of the other (XEP-0368)', async () => {
    await expect(find('both', refusal, NONE)).rejects.toEqual(refused);
  });

  it('of one service says nothing of the other', async () => {
    const record = srv('a.example.org', 443);
    expect((await find('both', [record], refusal)).targets).toEqual([{ host: 'a.example.org', port: 443, tls: true }]);
    expect((await find('both', refusal, [record])).targets).toEqual([{ host: 'a.example.org', port: 443, tls: false }]);
  });
});

describe('without a lookup', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['localhost', 'localhost'],
    ['chat.localhost', 'chat.localhost'],
  ])('%s is its own target', async (domain, host) => {
    const server = dns(NONE, NONE);
    expect(await findServers(domain, 'both', server.resolve)).toEqual({ targets: [{ host, port: 5222, tls: false }] });
    expect(server.asked).toEqual([]);
  });

  it('what cannot be a name is refused', async () => {
    await expect(find('both', NONE, NONE, 'a b')).rejects.toEqual(expect.objectContaining({ code: EXIT.usage }));
  });
});
