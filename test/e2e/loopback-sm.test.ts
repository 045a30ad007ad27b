// Stream management of the loopback server (XEP-0198), through a client that does as it is told.
import { afterEach, describe, expect, test } from 'vitest';
import { type Client, type ClientOptions, connectClient } from '../../loopback/client.ts';
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
  const client = await connectClient({
    port: server.port,
    ca: server.ca,
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
const managed = (server: Server, jid = ALICE) => server.sessions().find((s) => s.jid === jid)?.managed;
const hibernates = (server: Server) => server.until(() => managed(server)?.hibernating);
const settled = (server: Server) => server.until(() => managed(server)?.waiting === 0);
const what = (server: Server) => server.history().map((event) => event.what);

/** Alice's connection breaks when all is said, and then bob writes to her. */
async function broken(server: Server, ...texts: string[]): Promise<{ alice: Client; bob: Client }> {
  server.markKnown('alice@localhost', 'bob@localhost');
  const alice = await login(server, 'alice');
  const bob = await login(server, 'bob', { manage: false });
  await settle(alice);
  await settled(server);
  server.kill(ALICE, { reset: true });
  await hibernates(server);
  for (const text of texts) bob.send(chat('alice', text));
  await settle(bob);
  return { alice, bob };
}

describe('acknowledgements', () => {
  test('it is offered after login, and who does not want it sees nothing of it', async () => {
    const server = await start();
    const alice = await login(server, 'alice', { manage: false });
    expect(write(alice.features)).toContain(`<sm xmlns='${SM}'/>`);
    await settle(alice);
    expect(alice.received().some(({ xml }) => xml.includes(SM))).toBe(false);
    expect(managed(server)).toBe(undefined);
  });

  test('both ways: what was asked for is told, and the server asks after each burst', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    expect(alice.managed).toMatchObject({ id: managed(server)?.id, max: '300', location: '' });
    await settle(alice);
    alice.send(`<r xmlns='${SM}'/>`);
    // Presence and ping.
    await got(alice, /^<a xmlns='urn:xmpp:sm:3' h='2'\/>$/);
    expect(alice.managed).toMatchObject({ sent: 2, waiting: [] });
    await settled(server);
    expect(managed(server)).toMatchObject({ received: 2, sent: alice.managed!.received, hibernating: false });
    const asked = () => alice.received().filter(({ stanza }) => stanza.name === 'r').length;
    const before = asked();
    const burst = server.inject(ALICE, chat('alice', 'one') + chat('alice', 'two'));
    await Promise.all([burst, got(alice, /two/)]);
    await settled(server);
    expect(asked()).toBe(before + 1);
  });

  test('more than was sent ends the stream with how many it was, and the session', async () => {
    const raw: string[] = [];
    const server = await start({ onRaw: (direction, data) => void (direction === 'out' && raw.push(data.toString())) });
    const alice = await login(server, 'alice', { available: false });
    alice.send(`<a xmlns='${SM}' h='4294967295'/>`);
    expect(await alice.ended).toBe('undefined-condition');
    expect(raw.join('')).toContain("<handled-count-too-high xmlns='urn:xmpp:sm:3' h='4294967295' send-count='0'/>");
    expect(server.history().at(-1)).toMatchObject({ what: 'ended', why: 'undefined-condition' });
  });

  test.each([
    ['no count', `<a xmlns='${SM}'/>`, 'bad-format'],
    ['enabled twice', `<enable xmlns='${SM}'/>`, 'policy-violation'],
    ['something unknown', `<z xmlns='${SM}'/>`, 'unsupported-stanza-type'],
  ])('%s ends the stream', async (_, xml, condition) => {
    const alice = await login(await start(), 'alice');
    alice.send(xml);
    expect(await alice.ended).toBe(condition);
  });

  test('counters go round at 2^32, over a resumption too', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    await settle(alice);
    await settled(server);
    const nearly = 2 ** 32 - 1;
    server.count(ALICE, { received: nearly, sent: nearly });
    Object.assign(alice.managed!, { received: nearly, sent: nearly, waiting: [] });
    await settle(alice);
    await settled(server);
    expect(managed(server)).toMatchObject({ received: 0, sent: 0 });
    server.count(ALICE, { sent: nearly });
    alice.managed!.received = nearly;
    server.kill(ALICE);
    await hibernates(server);
    const bob = await login(server, 'bob');
    for (const text of ['1', '2', '3']) bob.send(chat('alice', text));
    await settle(bob);
    const again = await login(server, 'alice', { resume: alice.managed! });
    await settled(server);
    expect([bodies(again), again.managed!.received]).toEqual([['1', '2', '3'], 2]);
  });
});

describe('resumption', () => {
  test('a lost connection leaves the session as it is, and what came meanwhile comes with its time', async () => {
    const server = await start();
    const { alice, bob } = await broken(server, 'one', 'two');
    expect(server.sessions().find((s) => s.jid === ALICE)?.presence).not.toBe('');
    const again = await login(server, 'alice', { resume: alice.managed! });
    expect([again.resumed, again.jid]).toEqual([true, ALICE]);
    await settled(server);
    expect(bodies(again)).toEqual(['one', 'two']);
    expect(await got(again, /one/)).toMatch(/<delay xmlns='urn:xmpp:delay' from='localhost' stamp='\d{4}-/);
    again.send(chat('bob', 'back'));
    await got(bob, /back/);
    // Bob has seen nothing of all that.
    expect(bob.received().filter(({ xml }) => xml.includes("type='unavailable'"))).toEqual([]);
    const events = server.history().filter((event) => event.jid === ALICE);
    expect(events.map((event) => event.what)).toEqual(['bound', 'enabled', 'hibernated', 'resumed']);
    expect(events.at(-1)).toMatchObject({ id: alice.managed!.id, received: 2, resent: 2, replaced: false });
  });

  test('what was not acknowledged is sent again, from both sides', async () => {
    const server = await start();
    const alice = await login(server, 'alice', { acknowledge: false });
    const bob = await login(server, 'bob');
    await settle(alice);
    bob.send(chat('alice', 'heard'));
    await got(alice, /heard/);
    const state = { ...alice.managed!, received: alice.managed!.received - 1 };
    server.kill(ALICE);
    await hibernates(server);
    // Written into the void.
    alice.send(chat('bob', 'lost'));
    state.waiting = [...alice.managed!.waiting];
    state.sent = alice.managed!.sent;
    const again = await login(server, 'alice', { resume: state });
    await got(bob, /lost/);
    await got(again, /heard/);
    await settle(again);
    expect([bodies(bob), bodies(again)]).toEqual([['lost'], ['heard']]);
    // That an answer was asked for is no longer of interest: it had come.
    expect(again.received().filter(({ stanza }) => stanza.name === 'iq')).toHaveLength(1);
  });

  test('the old connection is replaced', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    await settle(alice);
    const again = await login(server, 'alice', { resume: alice.managed! });
    expect(await alice.ended).toBe('conflict');
    expect(server.history().at(-1)).toMatchObject({ what: 'resumed', replaced: true });
    await settle(again);
    expect(server.sessions()).toHaveLength(1);
  });

  test.each([
    ['an id that nobody has', { id: 'x' }, 'item-not-found'],
    ['no count', { received: Number.NaN }, 'bad-request'],
  ])('%s: it fails, and a new session is bound', async (_, change, condition) => {
    const server = await start();
    const { alice } = await broken(server);
    const again = await login(server, 'alice', { resume: { ...alice.managed!, ...change } });
    expect([again.resumed, again.jid]).toEqual([false, ALICE]);
    expect(again.failed).toBe(
      `<failed xmlns='${SM}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`,
    );
    expect(what(server).slice(-4)).toEqual(['refused', 'ended', 'bound', 'enabled']);
  });

  test('the session of somebody else is none', async () => {
    const server = await start();
    const { alice } = await broken(server);
    const bob = await login(server, 'bob', { resume: alice.managed!, resource: 'thief' });
    expect([bob.resumed, bob.jid]).toEqual([false, 'bob@localhost/thief']);
    expect(managed(server)?.hibernating).toBe(true);
  });

  test('a count too high: the stream ends, the session does not', async () => {
    const server = await start();
    const { alice } = await broken(server);
    const wrong = login(server, 'alice', { resume: { ...alice.managed!, received: 1000 } });
    await expect(wrong).rejects.toThrow('undefined-condition');
    expect((await login(server, 'alice', { resume: alice.managed! })).resumed).toBe(true);
  });

  test.each(['expire', 'bind', 'refuse'] as const)('its end: %s', async (how) => {
    const server = await start();
    const { alice, bob } = await broken(server, 'kept');
    if (how === 'refuse') server.faults.sm = { resumeError: 'item-not-found' };
    if (how === 'expire') {
      server.expire('alice@localhost');
      expect(server.offline('alice@localhost')).toHaveLength(1);
    }
    const again = await login(server, 'alice', how === 'bind' ? {} : { resume: alice.managed! });
    expect(again.resumed).toBe(false);
    // It is known how much had arrived.
    if (how !== 'bind') expect(again.failed).toContain("<failed xmlns='urn:xmpp:sm:3' h='2'>");
    await got(bob, /<presence type='unavailable' from='alice@localhost\/r'/);
    expect(await got(again, /kept/)).toContain("<delay xmlns='urn:xmpp:delay'");
  });

  test('its time is over', async () => {
    const server = await start({ resumeTimeout: 0.05 });
    const { bob } = await broken(server);
    await got(bob, /<presence type='unavailable' from='alice@localhost\/r'/);
    expect(server.history().at(-1)).toMatchObject({ what: 'ended', why: 'expired' });
  });

  test('a stream that is closed is no session to resume', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    await settle(alice);
    alice.send('</stream:stream>');
    expect(await alice.ended).toBe('closed');
    // The last word is how much has arrived.
    expect(alice.received().at(-1)?.xml).toBe(`<a xmlns='${SM}' h='2'/>`);
    expect((await login(server, 'alice', { resume: alice.managed! })).resumed).toBe(false);
  });
});
