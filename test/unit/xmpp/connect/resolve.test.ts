import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { errno } from '../../../../lib/sys/errno.ts';
import { findServers } from '../../../../lib/xmpp/connect/find.ts';
import { srvResolver } from '../../../../lib/xmpp/connect/resolve.ts';

const NXDOMAIN = 3;
const SERVFAIL = 2;

/** Priority, weight, port, target; or an RCODE. */
type Answer = [number, number, number, string][] | typeof NXDOMAIN | typeof SERVFAIL;

/** A name as in RFC 1035 3.1; "." is the root. */
function labels(name: string): Buffer {
  const parts = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...parts.flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]);
}

function srv([priority, weight, port, target]: [number, number, number, string]): Buffer {
  const name = labels(target);
  // The owner is a pointer to the question's name.
  const record = Buffer.from([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 6 + name.length, ...Array(6).fill(0)]);
  record.writeUInt16BE(priority, 12);
  record.writeUInt16BE(weight, 14);
  record.writeUInt16BE(port, 16);
  return Buffer.concat([record, name]);
}

function reply(query: Buffer, answer: Answer): Buffer {
  const records = typeof answer === 'number' ? [] : answer.map(srv);
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0]);
  if (typeof answer === 'number') header[3]! |= answer;
  return Buffer.concat([header, question, ...records]);
}

let server: Socket;
let address: string;
let answers: Map<string, Answer>;
const closers: (() => void)[] = [];

beforeAll(async () => {
  server = createSocket('udp4');
  server.on('message', (query, from) => {
    for (const [name, answer] of answers) {
      if (query.includes(labels(name))) server.send(reply(query, answer), from.port, from.address);
    }
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  address = `127.0.0.1:${server.address().port}`;
});

beforeEach(() => {
  answers = new Map();
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

afterAll(() => {
  server.close();
});

function find(limit = 5000) {
  const { resolve, close } = srvResolver(limit, [address]);
  closers.push(close);
  return findServers('example.org', 'both', resolve, () => 0);
}

it('finds what a name server has', async () => {
  answers.set('_xmpps-client._tcp.example.org', [[10, 5, 443, 'tls.example.org']]);
  answers.set('_xmpp-client._tcp.example.org', [
    [20, 0, 5222, 'b.example.org'],
    [5, 0, 15222, 'a.example.org'],
  ]);
  expect(await find()).toEqual({
    targets: [
      { host: 'a.example.org', port: 15222, tls: false },
      { host: 'tls.example.org', port: 443, tls: true },
      { host: 'b.example.org', port: 5222, tls: false },
    ],
  });
});

it('knows the target "."', async () => {
  answers.set('_xmpps-client._tcp.example.org', NXDOMAIN);
  answers.set('_xmpp-client._tcp.example.org', [[0, 0, 0, '.']]);
  await expect(find()).rejects.toThrow('example.org offers no XMPP');
});

it('falls back to the domain where there is no such name', async () => {
  answers.set('_xmpps-client._tcp.example.org', NXDOMAIN);
  answers.set('_xmpp-client._tcp.example.org', []);
  expect(await find()).toEqual({ targets: [{ host: 'example.org', port: 5222, tls: false }] });
});

it('falls back, and warns, where the name server is broken', async () => {
  answers.set('_xmpps-client._tcp.example.org', SERVFAIL);
  answers.set('_xmpp-client._tcp.example.org', SERVFAIL);
  const { targets, warning } = await find();
  expect(targets).toEqual([{ host: 'example.org', port: 5222, tls: false }]);
  expect(warning).toContain('ESERVFAIL');
});

it('falls back, and warns, where the name server is silent', async () => {
  const { targets, warning } = await find(100);
  expect(targets).toEqual([{ host: 'example.org', port: 5222, tls: false }]);
  expect(warning).toMatch(/ECANCELLED|ETIMEOUT/);
});

it('does not wait for the silent half longer than for the other', async () => {
  answers.set('_xmpp-client._tcp.example.org', [[0, 0, 5222, 'a.example.org']]);
  expect(await find(100)).toEqual({ targets: [{ host: 'a.example.org', port: 5222, tls: false }] });
});

it('rejects with the codes of node:dns', async () => {
  answers.set('_xmpp-client._tcp.example.org', NXDOMAIN);
  const { resolve, close } = srvResolver(5000, [address]);
  closers.push(close);
  expect(await resolve('_xmpp-client._tcp.example.org').catch(errno)).toBe('ENOTFOUND');
});
