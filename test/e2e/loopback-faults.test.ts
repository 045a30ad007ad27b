// That the loopback server does wrong what it is told to do wrong.
import { afterEach, describe, expect, test } from 'vitest';
import { type ClientOptions, connectClient } from '../../loopback/client.ts';
import { openStream } from '../../loopback/client-stream.ts';
import { type Server, type ServerOptions, startServer } from '../../loopback/server.ts';
import { write } from '../../loopback/xml.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of cleanup.splice(0).reverse()) await act();
});

async function start(options: ServerOptions): Promise<Server> {
  const server = await startServer({ accounts: { alice: 'secret' }, ...options });
  cleanup.push(server.close);
  return server;
}

const plainStream = async (server: Server) => {
  const stream = await openStream({ port: server.port, ca: server.ca, tls: 'none' });
  cleanup.push(stream.destroy);
  return stream;
};

const login = async (server: Server, options: Partial<ClientOptions> = {}) => {
  const client = await connectClient({
    port: server.port,
    ca: server.ca,
    user: 'alice',
    password: 'secret',
    ...options,
  });
  cleanup.push(client.destroy);
  return client;
};

const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

describe('TLS', () => {
  test.each([
    ['wronghost', "does not match certificate's altnames"],
    ['expired', 'certificate has expired'],
    ['selfsigned', 'self-signed certificate'],
  ] as const)('a certificate of the kind %s', async (certificate, message) => {
    const server = await start({ certificate });
    await expect(login(server)).rejects.toThrow(message);
    await expect(login(server, { port: server.directPort, tls: 'direct' })).rejects.toThrow(message);
    await server.until(() => server.connections() === 0);
  });

  test('no STARTTLS, with login in the clear or without', async () => {
    const server = await start({ faults: { noStarttls: true } });
    expect(write((await plainStream(server)).features)).not.toMatch(/starttls|mechanism/);
    const open = await start({ plaintext: true, faults: { noStarttls: true } });
    expect(write((await plainStream(open)).features)).toMatch(/^<stream:features><mechanisms/);
    expect((await login(open, { tls: 'none', mechanism: 'PLAIN' })).jid).toMatch(/^alice@localhost\//);
  });

  test('a failure, another answer, and bytes behind the answer', async () => {
    const server = await start({ faults: { starttlsFailure: true } });
    expect(write(await (await plainStream(server)).ask(STARTTLS))).toBe(
      "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    );
    const raw: string[] = [];
    const other = await start({
      faults: { proceed: "<proceed xmlns='urn:x'/>", afterProceed: '<stream:features/>' },
      onRaw: (direction, data) => direction === 'out' && raw.push(data.toString()),
    });
    await expect((await plainStream(other)).ask(STARTTLS)).resolves.toMatchObject({ name: 'proceed', ns: 'urn:x' });
    expect(raw.at(-1)).toBe("<proceed xmlns='urn:x'/><stream:features/>");
  });
});

describe('SASL', () => {
  test('any condition', async () => {
    await expect(login(await start({ faults: { authFailure: 'account-disabled' } }))).rejects.toThrow(
      'account-disabled',
    );
  });

  test.each([
    { signature: 'wrong' },
    { signature: 'none' },
    { signature: 'error' },
    { unasked: true },
    { signatureInChallenge: true },
  ] as const)('a verdict that the client must not take: %o', async (scram) => {
    // The test's client wants the signature in <success/>: a challenge in its place is as wrong to it.
    await expect(login(await start({ faults: { scram } }))).rejects.toThrow(/wrong server signature|success|challenge/);
  });

  test('nonces, and the first message', async () => {
    const server = await start({ plaintext: true, iterations: 5000 });
    const first = async () => {
      const stream = await plainStream(server);
      const initial = Buffer.from('n,,n=alice,r=abc').toString('base64');
      const answer = await stream.ask(
        `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>${initial}</auth>`,
      );
      return Buffer.from(String(answer.children[0]), 'base64').toString();
    };
    expect(await first()).toMatch(/^r=abc.{24},s=[^,]+,i=5000$/);
    server.faults.scram = { nonce: 'short' };
    expect(await first()).toMatch(/^r=abc,s=/);
    server.faults.scram = { nonce: 'foreign' };
    expect(await first()).toMatch(/^r=(?!abc)/);
    server.faults.scram = { serverFirst: (message) => `m=x,${message}` };
    expect(await first()).toMatch(/^m=x,r=abc/);
  });
});

test('bind: refused, or with a JID that nobody asked for', async () => {
  const server = await start({ faults: { bindError: 'conflict' } });
  await expect(login(server)).rejects.toThrow('conflict');
  server.faults = { bindJid: 'mallory@example.org/x' };
  expect((await login(server)).jid).toBe('mallory@example.org/x');
});

test('a stream error at once, another name, other features', async () => {
  const server = await start({ faults: { streamError: 'see-other-host' } });
  await expect(plainStream(server)).rejects.toThrow('see-other-host');
  server.faults = { features: () => '<stream:features/>' };
  expect((await plainStream(server)).features.children).toEqual([]);
  const raw: string[] = [];
  const other = await start({
    faults: { headerFrom: 'evil.test' },
    onRaw: (_, data) => void raw.push(data.toString()),
  });
  await plainStream(other);
  expect(raw.join('')).toContain(" from='evil.test'");
});

test.each(['connect', 'header', 'starttls', 'auth', 'bind'] as const)('silence from %s on', async (silentFrom) => {
  const server = await start({ faults: { silentFrom } });
  const never = login(server).then(
    () => 'logged in',
    (error: Error) => error.message,
  );
  await server.until(() => server.silent() === 1);
  server.kill('*');
  // Nothing but the cut has ended it.
  expect(await never).toBe('lost');
});

test.each(['deaf', 'stalled'] as const)('a session that is %s answers nothing and stays connected', async (mode) => {
  const server = await start({});
  const client = await login(server);
  await server.online(client.jid);
  server.freeze('alice@localhost', mode);
  expect(server.silent()).toBe(1);
  client.send('<presence><show>away</show></presence>');
  client.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
  // A round trip of somebody else: the server had its turn.
  await plainStream(server);
  expect(server.sessions()[0]?.presence).not.toContain('away');
  expect(client.received().some(({ stanza }) => stanza.attrs.id === 'p')).toBe(false);
  expect(server.connections()).toBe(2);
});
