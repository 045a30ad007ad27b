// That the loopback server breaks connections where it is told to, and mismanages streams as it is told to.
import { afterEach, describe, expect, test } from 'vitest';
import { type Client, type ClientOptions, connectClient } from '../../loopback/client.ts';
import type { Cut } from '../../loopback/faults.ts';
import { type Server, type ServerOptions, startServer } from '../../loopback/server.ts';
import { write } from '../../loopback/xml.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of cleanup.splice(0).reverse()) await act();
});

async function start(options: ServerOptions = {}): Promise<Server> {
  const server = await startServer({ accounts: { alice: 'secret-alice', bob: 'secret-bob' }, ...options });
  cleanup.push(server.close);
  return server;
}

async function login(server: Server, user: string, options: Partial<ClientOptions> = {}): Promise<Client> {
  const { port, ca } = server;
  const client = await connectClient({
    port,
    ca,
    user,
    password: `secret-${user}`,
    resource: 'r',
    manage: true,
    ...options,
  });
  cleanup.push(client.destroy);
  return client;
}

const ALICE = 'alice@localhost/r';
const SM = 'urn:xmpp:sm:3';
const got = (client: Client, pattern: RegExp) => client.waitFor(({ xml }) => pattern.test(xml)).then((e) => write(e));
const settle = (client: Client) => client.iq('get', "<ping xmlns='urn:xmpp:ping'/>", 'localhost');
const chat = (to: string, body: string) =>
  `<message to='${to}@localhost' type='chat' id='${body}'><body>${body}</body></message>`;
const bodies = (client: Client) => client.received().flatMap(({ xml }) => /<body>([^<]*)<\/body>/.exec(xml)?.[1] ?? []);
const managed = (server: Server) => server.sessions().find((s) => s.jid === ALICE)?.managed;
const hibernates = (server: Server) => server.until(() => managed(server)?.hibernating);
const settled = (server: Server) => server.until(() => managed(server)?.waiting === 0);

/** Alice and bob, and nothing under way. */
async function both(server: Server): Promise<{ alice: Client; bob: Client }> {
  const [alice, bob] = [await login(server, 'alice'), await login(server, 'bob', { manage: false })];
  await settle(alice);
  await settled(server);
  await settle(bob);
  return { alice, bob };
}

describe('a connection is cut', () => {
  const of = 'alice@localhost';
  const three = ['1', '2', '3'];

  test.each<[what: string, cut: Partial<Cut>, received: number]>([
    ['after the second stanza from the client', {}, 2],
    ['after it, without a reset', { how: 'close' }, 2],
    ['in the middle of it', { half: true }, 1],
  ])('%s', async (_, cut, received) => {
    const server = await start();
    const { alice, bob } = await both(server);
    server.faults.cut = { at: 'received', count: 2, of, ...cut };
    for (const text of three) alice.send(chat('bob', text));
    expect(await alice.ended).toBe('lost');
    expect(server.faults.cut).toBe(undefined);
    await settle(bob);
    expect(bodies(bob)).toEqual(three.slice(0, received));
    await hibernates(server);
    const again = await login(server, 'alice', { resume: alice.managed! });
    await settle(again);
    await settle(bob);
    expect(bodies(bob)).toEqual(three);
  });

  test.each<[what: string, cut: Partial<Cut>, received: number]>([
    ['after the second stanza to the client', {}, 2],
    ['in the middle of it', { half: true }, 1],
  ])('%s', async (_, cut, received) => {
    const server = await start();
    const { alice, bob } = await both(server);
    server.faults.cut = { at: 'sent', count: 2, of, how: 'close', ...cut };
    for (const text of three) bob.send(chat('alice', text));
    expect(await alice.ended).toBe('lost');
    expect(bodies(alice)).toEqual(three.slice(0, received));
    await hibernates(server);
    const again = await login(server, 'alice', { resume: alice.managed! });
    await settle(again);
    expect(bodies(again)).toEqual(three.slice(received));
  });

  test.each(['bytes sent', 'bytes received'] as const)('after so many %s, during login too', async (at) => {
    let gone = 0;
    const direction = at === 'bytes sent' ? 'out' : 'in';
    const count = (way: string, data: string | Uint8Array) => {
      if (way === direction) gone += Buffer.byteLength(data);
    };
    const server = await start({ onRaw: count });
    const whole = await login(server, 'alice');
    const total = gone;
    // What it has still to say would be counted, too.
    await whole.close();
    for (let bytes = 1; bytes < total; bytes += Math.ceil(total / 20)) {
      server.faults.cut = { at, count: bytes, how: 'close' };
      const why = await login(server, 'alice').then(
        (client) => {
          client.send("<iq type='get' id='more'><ping xmlns='urn:xmpp:ping'/></iq>");
          return client.ended;
        },
        (error: Error) => error.message,
      );
      expect(why).toBe('lost');
      expect(server.faults.cut).toBe(undefined);
    }
  });

  test('as often as it is asked for, and only whom it is for', async () => {
    const server = await start();
    const { bob } = await both(server);
    server.faults.cut = { at: 'received', count: 1, of, times: 2 };
    for (let left = 2; left > 0; left--) {
      expect(server.faults.cut?.times).toBe(left);
      expect(await (await login(server, 'alice')).ended).toBe('lost');
      await settle(bob);
    }
    await settle(await login(server, 'alice'));
  });

  test.each(['deaf', 'mute'] as const)('it stays open, and is %s', async (how) => {
    const server = await start();
    const { alice, bob } = await both(server);
    server.faults.cut = { at: 'received', count: 1, of, how };
    alice.send(chat('bob', 'handled'));
    await got(bob, /handled/);
    expect(server.silent()).toBe(1);
    alice.send(chat('bob', 'into the hole'));
    if (how === 'mute') await got(bob, /into the hole/);
    bob.send(chat('alice', 'waits'));
    await settle(bob);
    // The old connection is there, and the new one replaces it.
    const again = await login(server, 'alice', { resume: alice.managed! });
    expect(server.history().at(-1)).toMatchObject({ what: 'resumed', replaced: true });
    await got(again, /waits/);
    await settle(again);
    await settle(bob);
    expect(bodies(bob)).toEqual(['handled', 'into the hole']);
    expect([bodies(alice), bodies(again)]).toEqual([[], ['waits']]);
  });
});

describe('stream management', () => {
  test('is not offered, nor understood', async () => {
    const server = await start({ faults: { sm: { none: true } } });
    const alice = await login(server, 'alice', { manage: false });
    expect(write(alice.features)).not.toContain(SM);
    alice.send(`<enable xmlns='${SM}'/>`);
    expect(await alice.ended).toBe('unsupported-stanza-type');
  });

  test('is refused', async () => {
    const server = await start({ faults: { sm: { enableError: 'internal-server-error' } } });
    await expect(login(server, 'alice')).rejects.toThrow('internal-server-error');
  });

  test('comes without resumption', async () => {
    const server = await start({ faults: { sm: { noResume: true } } });
    const { alice, bob } = await both(server);
    expect(alice.managed).toMatchObject({ id: '', max: '' });
    server.freeze(ALICE, 'deaf');
    bob.send(chat('alice', 'not lost'));
    await settle(bob);
    server.kill(ALICE);
    await server.until(() => server.offline('alice@localhost').length === 1);
    expect(server.sessions()).toHaveLength(1);
  });

  test('has a location, and no more time than asked for', async () => {
    const server = await start({ faults: { sm: { location: '[::1]:5222' } } });
    expect((await login(server, 'alice', { manage: 7 })).managed).toMatchObject({ max: '7', location: '[::1]:5222' });
    expect((await login(server, 'bob', { manage: 7000 })).managed!.max).toBe('300');
  });

  test('acknowledges nothing, asks nothing, counts wrongly', async () => {
    const server = await start({ faults: { sm: { neverAcknowledge: true, neverAsk: true } } });
    const alice = await login(server, 'alice');
    alice.send(`<r xmlns='${SM}'/>`);
    await settle(alice);
    expect(alice.received().filter(({ stanza }) => stanza.ns === SM)).toEqual([]);
    server.faults.sm = { count: (h) => h + 1 };
    alice.send(`<r xmlns='${SM}'/>`);
    await got(alice, /^<a [^>]*h='3'/);
  });

  test('does not tell how much had arrived', async () => {
    const server = await start();
    const { alice } = await both(server);
    server.kill(ALICE);
    await hibernates(server);
    server.faults.sm = { resumeError: 'feature-not-implemented', failedWithoutCount: true };
    const again = await login(server, 'alice', { resume: alice.managed! });
    expect(again.failed).toMatch(/^<failed xmlns='urn:xmpp:sm:3'><feature-not-implemented/);
  });
});

test.each(['proper', 'crash'] as const)('a restart (%s) leaves no session, and the port open', async (how) => {
  const server = await start();
  const { alice, bob } = await both(server);
  server.freeze(ALICE, 'deaf');
  bob.send(chat('alice', 'unheard'));
  await settle(bob);
  server.restart(how);
  expect(await bob.ended).toBe(how === 'proper' ? 'system-shutdown' : 'lost');
  expect(server.sessions()).toEqual([]);
  const again = await login(server, 'alice', { resume: alice.managed! });
  expect(again.failed).toMatch(/^<failed xmlns='urn:xmpp:sm:3'><item-not-found/);
  await settle(again);
  expect(bodies(again)).toEqual(how === 'proper' ? ['unheard'] : []);
});

test('limits: others than those that hold, or none', async () => {
  const server = await start({ faults: { limits: 10_000 } });
  expect(write((await login(server, 'alice')).features)).toContain('<max-bytes>10000</max-bytes>');
  server.faults.limits = false;
  expect(write((await login(server, 'bob')).features)).not.toContain('limits');
});
