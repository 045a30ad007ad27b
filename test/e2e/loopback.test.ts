// The loopback server as other programs see it: over sockets, through a client that shares nothing with the daemons.
import { afterEach, describe, expect, test } from 'vitest';
import { type Client, type ClientOptions, connectClient } from '../../loopback/client.ts';
import { openStream } from '../../loopback/client-stream.ts';
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
  const port = options.tls === 'direct' ? server.directPort : server.port;
  const client = await connectClient({
    port,
    ca: server.ca,
    user,
    password: `secret-${user}`,
    resource: 'r',
    ...options,
  });
  cleanup.push(client.destroy);
  if (options.available !== false) await server.online(client.jid);
  return client;
}

/** What a client got since, as XML. */
const got = (client: Client, pattern: RegExp) => client.waitFor(({ xml }) => pattern.test(xml)).then((e) => write(e));

/** Everything that the server sent before now has arrived: its answers come in order. */
const settle = (client: Client) => client.iq('get', "<ping xmlns='urn:xmpp:ping'/>", 'localhost');

const BINDINGS = ['tls-exporter', 'tls-server-end-point'];

describe('login', () => {
  test.each([
    ['PLAIN', 'starttls'],
    ['SCRAM-SHA-1', 'starttls'],
    ['SCRAM-SHA-256', 'direct'],
    ['SCRAM-SHA-512', 'direct'],
  ] as const)('%s over %s', async (mechanism, tls) => {
    const server = await start();
    const client = await login(server, 'alice', { mechanism, tls });
    expect(client.jid).toBe('alice@localhost/r');
    expect(server.sessions()).toEqual([
      {
        jid: 'alice@localhost/r',
        mechanism,
        tls: 'TLSv1.3',
        alpn: tls === 'direct' ? 'xmpp-client' : false,
        presence: "<presence from='alice@localhost/r'/>",
      },
    ]);
  });

  test.each([
    ['TLSv1.2', 'tls-server-end-point'],
    ['TLSv1.3', 'tls-server-end-point'],
    ['TLSv1.3', 'tls-exporter'],
  ] as const)('channel binding on %s with %s', async (tlsVersion, binding) => {
    const server = await start({ channelBindings: BINDINGS, tlsVersion });
    await login(server, 'alice', { mechanism: 'SCRAM-SHA-256-PLUS', binding });
    expect(server.sessions()[0]).toMatchObject({ mechanism: 'SCRAM-SHA-256-PLUS', tls: tlsVersion });
  });

  test('EXTERNAL with a certificate of the CA', async () => {
    const server = await start({ mechanisms: ['EXTERNAL'] });
    const external = { mechanism: 'EXTERNAL', pair: server.authority.client('alice@localhost') };
    expect((await login(server, 'alice', external)).jid).toBe('alice@localhost/r');
    const stranger = { mechanism: 'EXTERNAL', pair: server.authority.client('carol@localhost') };
    await expect(login(server, 'alice', stranger)).rejects.toThrow('not-authorized');
    await expect(login(server, 'alice', { mechanism: 'EXTERNAL' })).rejects.toThrow('not-authorized');
  });

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'])(
    '%s is refused for a wrong password or user',
    async (mechanism) => {
      const server = await start({ channelBindings: BINDINGS });
      await expect(login(server, 'alice', { mechanism, password: 'x' })).rejects.toThrow('not-authorized');
      await expect(login(server, 'nobody', { mechanism })).rejects.toThrow('not-authorized');
    },
  );

  test('nothing but STARTTLS is offered in the clear', async () => {
    const server = await start();
    const stream = await openStream({ port: server.port, ca: server.ca, tls: 'none' });
    cleanup.push(stream.destroy);
    expect(write(stream.features)).toMatch(
      /^<stream:features><starttls [^>]*><required\/><\/starttls><limits .*<\/stream:features>$/,
    );
    const answer = await stream.ask("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>");
    expect(write(answer)).toContain('<encryption-required/>');
  });

  test('bytes behind <starttls/> end the connection', async () => {
    const server = await start();
    const stream = await openStream({ port: server.port, ca: server.ca, tls: 'none' });
    await expect(stream.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><auth")).resolves.toMatchObject({
      name: 'proceed',
    });
    expect(await stream.ended).toBe('lost');
  });

  test('a second session with the same resource replaces the first', async () => {
    const server = await start();
    const old = await login(server, 'alice');
    await login(server, 'alice');
    expect(await old.ended).toBe('conflict');
    expect(server.sessions()).toHaveLength(1);
  });

  test('another domain: its own account, or host-unknown', async () => {
    const server = await start({ domains: ['localhost', 'example.test'] });
    expect((await login(server, 'alice', { domain: 'example.test' })).jid).toBe('alice@example.test/r');
    const elsewhere = openStream({ port: server.port, ca: server.ca, domain: 'example.org', tls: 'none' });
    await expect(elsewhere).rejects.toThrow('host-unknown');
  });
});

describe('streams', () => {
  test.each([
    ['an entity', '<message>&nope;</message>', 'restricted-xml'],
    ['a wrong end tag', '<message></iq>', 'not-well-formed'],
    ['another sender', "<message from='bob@localhost'/>", 'invalid-from'],
    ['no stanza', "<x xmlns='urn:x'/>", 'unsupported-stanza-type'],
    ['too much', `<message><body>${'x'.repeat(262_144)}</body></message>`, 'policy-violation'],
  ])('%s is answered with a stream error', async (_, xml, condition) => {
    const client = await login(await start(), 'alice');
    client.send(xml);
    expect(await client.ended).toBe(condition);
  });

  test('both sides close properly', async () => {
    const server = await start();
    const [alice, bob] = [await login(server, 'alice'), await login(server, 'bob')];
    await alice.close();
    expect(await alice.ended).toBe('closed');
    server.closeStream('bob@localhost', 'system-shutdown');
    expect(await bob.ended).toBe('system-shutdown');
    await server.until(() => server.connections() === 0);
  });

  test.each([false, true])('a killed connection (reset: %s) is lost, and others learn of it', async (reset) => {
    const server = await start();
    server.markKnown('alice@localhost', 'bob@localhost');
    const [alice, bob] = [await login(server, 'alice', { tls: 'direct' }), await login(server, 'bob')];
    server.kill('alice@localhost', { reset });
    expect(await alice.ended).toBe('lost');
    await got(bob, /<presence type='unavailable' from='alice@localhost\/r'/);
  });

  test('injected bytes arrive as they are', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    await server.inject('alice@localhost', "<message from='../x@y' ><body>a</body></message>");
    await got(alice, /from='\.\.\/x@y'/);
    await server.inject('alice@localhost/r', '<broken');
    await server.inject('alice@localhost/r', '</');
    expect(await alice.ended).toBe('not-well-formed');
  });
});

describe('messages', () => {
  test('both ways, to bare and full JIDs, with the sender stamped', async () => {
    const server = await start();
    const [alice, bob] = [await login(server, 'alice'), await login(server, 'bob')];
    alice.send(
      "<message to='BOB@localhost' type='chat' id='1'><body>\u{1f600} &lt;&amp;&gt;&apos;&quot;]]&gt;\n2</body></message>",
    );
    expect(await got(bob, /id='1'/)).toBe(
      "<message to='bob@localhost' type='chat' id='1' from='alice@localhost/r'><body>\u{1f600} &lt;&amp;&gt;&apos;&quot;]]&gt;\n2</body></message>",
    );
    bob.send("<message to='alice@localhost/r' from='bob@localhost'><body>hi</body></message>");
    await got(alice, /from='bob@localhost\/r'.*hi/);
    expect(
      server
        .received()
        .map(({ jid, stanza }) => `${jid} ${stanza.name}`)
        .slice(-2),
    ).toEqual(['alice@localhost/r message', 'bob@localhost/r message']);
  });

  test('a bare JID means the highest priority, never a negative one', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    const home = await login(server, 'bob', { resource: 'home' });
    const work = await login(server, 'bob', { resource: 'work' });
    work.send('<presence><priority>5</priority></presence>');
    await settle(work);
    alice.send("<message to='bob@localhost'><body>one</body></message>");
    await got(work, /one/);
    work.send('<presence><priority>-1</priority></presence>');
    await settle(work);
    alice.send("<message to='bob@localhost'><body>two</body></message>");
    await got(home, /two/);
    for (const client of [home, work]) await settle(client);
    expect(home.received().filter(({ xml }) => xml.includes('one'))).toEqual([]);
    expect(work.received().filter(({ xml }) => xml.includes('two'))).toEqual([]);
  });

  test('what was sent while offline comes with the time it was sent', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    alice.send("<message to='bob@localhost' type='chat'><body>later</body></message>");
    alice.send(
      "<message to='bob@localhost' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    );
    await settle(alice);
    expect(server.offline('bob@localhost')).toHaveLength(1);
    const bob = await login(server, 'bob');
    expect(await got(bob, /later/)).toMatch(
      /<delay xmlns='urn:xmpp:delay' from='localhost' stamp='\d{4}-\d\d-\d\dT[\d:.]+Z'\/>/,
    );
    expect(server.offline('bob@localhost')).toEqual([]);
  });

  test.each([
    ['nobody@localhost', 'item-not-found'],
    ['bob@example.org', 'remote-server-not-found'],
    ['@localhost', 'jid-malformed'],
  ])('a message to %s comes back with %s', async (to, condition) => {
    const alice = await login(await start(), 'alice');
    alice.send(`<message to='${to}' id='m'><body>hi</body></message>`);
    const xml = await got(alice, /type='error'/);
    expect(xml).toContain(`<message type='error' id='m' from='${to}' to='alice@localhost/r'><body>hi</body><error`);
    expect(xml).toContain(`<${condition} xmlns`);
  });
});

describe('iq', () => {
  test('the server answers ping, version and disco, and refuses what it does not know', async () => {
    const alice = await login(await start(), 'alice');
    const ask = async (payload: string, to?: string) => write(await alice.iq('get', payload, to));
    expect(await ask("<ping xmlns='urn:xmpp:ping'/>")).toMatch(
      /^<iq type='result' id='[^']+' to='alice@localhost\/r'\/>$/,
    );
    expect(await ask("<query xmlns='jabber:iq:version'/>", 'localhost')).toContain('<name>loopback</name>');
    expect(await ask("<query xmlns='http://jabber.org/protocol/disco#info'/>", 'localhost')).toContain(
      "category='server'",
    );
    expect(await ask("<query xmlns='http://jabber.org/protocol/disco#items'/>", 'localhost')).toContain(
      "type='result'",
    );
    expect(await ask("<query xmlns='urn:x'/>", 'localhost')).toContain('<service-unavailable');
    expect(await ask("<query xmlns='jabber:iq:version'/>", 'bob@localhost/none')).toContain('<service-unavailable');
    expect(await ask("<query xmlns='jabber:iq:roster'/>", 'bob@localhost')).toContain('<forbidden');
  });

  test('between clients by full JID', async () => {
    const server = await start();
    const [alice, bob] = [await login(server, 'alice'), await login(server, 'bob')];
    const asked = alice.iq('get', "<query xmlns='jabber:iq:version'/>", bob.jid);
    const request = await bob.waitFor(({ stanza }) => stanza.name === 'iq');
    expect(request.attrs.from).toBe(alice.jid);
    bob.send(`<iq type='result' id='${request.attrs.id}' to='${request.attrs.from}'/>`);
    expect((await asked).attrs.from).toBe(bob.jid);
  });
});

describe('roster and presence', () => {
  const ROSTER = "<query xmlns='jabber:iq:roster'/>";
  const set = (item: string) => `<query xmlns='jabber:iq:roster'>${item}</query>`;

  test('set, push, get, remove', async () => {
    const alice = await login(await start(), 'alice');
    await alice.iq('get', ROSTER);
    await alice.iq('set', set("<item jid='Bob@localhost' name='B'><group>g</group></item>"));
    const item = "<item jid='bob@localhost' name='B' subscription='none'><group>g</group></item>";
    expect(await got(alice, /<iq type='set' id='push/)).toContain(item);
    expect(write(await alice.iq('get', ROSTER))).toContain(item);
    const remove = set("<item jid='bob@localhost' subscription='remove'/>");
    expect((await alice.iq('set', remove)).attrs.type).toBe('result');
    expect(write(await alice.iq('set', remove))).toContain('<item-not-found');
    expect(write(await alice.iq('get', ROSTER))).not.toContain('<item');
  });

  test('two find each other: request, both approve, presence flows, and ends with the subscription', async () => {
    const server = await start();
    const alice = await login(server, 'alice');
    await alice.iq('get', ROSTER);
    // Bob is offline: the request waits for him.
    alice.send("<presence to='bob@localhost' type='subscribe'/>");
    await got(alice, /<item jid='bob@localhost' subscription='none' ask='subscribe'\/>/);
    const bob = await login(server, 'bob');
    await bob.iq('get', ROSTER);
    await got(bob, /<presence to='bob@localhost' type='subscribe' from='alice@localhost'\/>/);
    bob.send("<presence to='alice@localhost' type='subscribed'/>");
    await got(bob, /<item jid='alice@localhost' subscription='from'\/>/);
    await got(alice, /<item jid='bob@localhost' subscription='to'\/>/);
    await got(alice, /<presence from='bob@localhost\/r' to='alice@localhost'\/>/);
    bob.send("<presence to='alice@localhost' type='subscribe'/>");
    await got(alice, /type='subscribe' from='bob@localhost'/);
    alice.send("<presence to='bob@localhost' type='subscribed'/>");
    await got(alice, /<item jid='bob@localhost' subscription='both'\/>/);
    await got(bob, /<presence from='alice@localhost\/r' to='bob@localhost'\/>/);
    alice.send('<presence><show>away</show></presence>');
    await got(bob, /from='alice@localhost\/r' to='bob@localhost'><show>away/);
    alice.send("<presence to='bob@localhost' type='unsubscribed'/>");
    await got(bob, /<presence type='unavailable' from='alice@localhost\/r'/);
    await got(bob, /type='unsubscribed' from='alice@localhost'/);
    await got(bob, /<item jid='alice@localhost' subscription='from'\/>/);
    // Removal takes the rest away.
    await alice.iq('set', set("<item jid='bob@localhost' subscription='remove'/>"));
    await got(bob, /<item jid='alice@localhost' subscription='none'\/>/);
    await got(alice, /<presence type='unavailable' from='bob@localhost\/r'/);
  });

  test('a request to nobody is refused by the server', async () => {
    const alice = await login(await start(), 'alice');
    alice.send("<presence to='nobody@localhost' type='subscribe'/>");
    await got(alice, /type='unsubscribed' from='nobody@localhost'/);
  });

  test('friends see each other come, with all resources, and go', async () => {
    const server = await start();
    server.markKnown('alice@localhost', 'bob@localhost');
    await login(server, 'bob', { resource: 'one' });
    const two = await login(server, 'bob', { resource: 'two' });
    const alice = await login(server, 'alice');
    for (const resource of ['one', 'two']) await got(alice, new RegExp(`<presence from='bob@localhost/${resource}'`));
    await got(two, /<presence from='alice@localhost\/r' to='bob@localhost'\/>/);
    await two.close();
    await got(alice, /<presence type='unavailable' from='bob@localhost\/two'/);
  });

  test('directed presence reaches a stranger and is taken back when the session ends', async () => {
    const server = await start();
    const [alice, bob] = [await login(server, 'alice'), await login(server, 'bob')];
    alice.send("<presence to='bob@localhost'><status>for you</status></presence>");
    await got(bob, /from='alice@localhost\/r'.*for you/);
    server.kill('alice@localhost');
    await got(bob, /<presence type='unavailable' from='alice@localhost\/r'/);
  });
});
