// How sj gets to a session: connections, passwords, mechanisms.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerOptions } from '../../loopback/server.ts';
import { ALICE, type Bed, DOMAIN, events, scratch, sh, startBed, startSj, startSuite, until } from './bed/suite.ts';

const FULL = `${ALICE}/desk`;
const ONE_LINE = /^sj: fatal: [^\n]+\n$/;

/** A listener whose connections are passed on to `connect`. */
async function relay(connect: () => net.Socket, at: net.ListenOptions = { port: 0, host: '127.0.0.1' }) {
  const server = net.createServer((socket) => {
    const further = connect();
    onTestFinished(() => void further.destroy());
    for (const [from, to] of [
      [socket, further],
      [further, socket],
    ] as const) {
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(at);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return server.address() as net.AddressInfo;
}

async function connected(to: net.NetConnectOpts): Promise<net.Socket> {
  const socket = net.connect(to);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const descriptors = (a: net.Socket | number, b: net.Socket | number) =>
  ['pipe', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', a, b] as const;

describe('the connection', () => {
  it('is a TCP socket, with STARTTLS', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    expect(alice.read('state')).toBe(`online ${FULL}\n`);
    expect(server.sessions()).toMatchObject([{ jid: FULL, tls: 'TLSv1.3', mechanism: 'SCRAM-SHA-512' }]);
    expect(events(alice.dir)).toEqual([['online', ALICE, FULL]]);
    expect(alice.err() + alice.out()).toBe('');
    const stat = (name: string) => fs.lstatSync(path.join(alice.dir, name));
    expect([stat('in').isFIFO(), stat('in').mode & 0o777, stat('state').mode & 0o777]).toEqual([true, 0o600, 0o600]);
  });

  it('has TLS from its first byte: -x', async () => {
    const server = await startBed();
    await startSuite(server, { port: server.directPort, options: ['-x'] }).online();
    expect(server.sessions()).toMatchObject([{ jid: FULL, alpn: 'xmpp-client' }]);
  });

  it('is a Unix socket', async () => {
    const server = await startBed();
    const name = path.join(scratch(), 'socket');
    await relay(() => net.connect({ port: server.port, host: '127.0.0.1' }), { path: name });
    const socket = await connected({ path: name });
    const alice = startSj({ stdio: [...descriptors(socket, socket)], options: ['-c', server.caFile] });
    await alice.online();
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
  });

  it('is two pipes', async () => {
    const server = await startBed();
    const dir = scratch();
    await sh(dir, 'mkfifo there back');
    const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = fs.constants;
    // Opened both ways first, so that nobody waits for the other end.
    const ends = (name: string) =>
      [O_RDWR, O_RDONLY, O_WRONLY].map((mode) => fs.openSync(path.join(dir, name), mode | O_NONBLOCK));
    const [[hold1, fromSj, sjTo], [hold2, sjFrom, toSj]] = [ends('there'), ends('back')];
    const further = await connected({ port: server.port, host: '127.0.0.1' });
    const alice = startSj({ stdio: [...descriptors(sjFrom!, sjTo!)], options: ['-c', server.caFile] });
    for (const fd of [hold1, sjTo, hold2, sjFrom]) fs.closeSync(fd!);
    const from = new net.Socket({ fd: fromSj!, writable: false });
    const to = new net.Socket({ fd: toSj!, readable: false });
    onTestFinished(() => void [from, to].map((pipe) => pipe.destroy()));
    from.pipe(further).pipe(to);
    await alice.online();
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
    await until(() => server.connections() === 0);
  });

  it.each([
    ['-T', ['-T'], {}],
    ['PROTO', [], { PROTO: 'SSL' }],
  ] as const)('carries TLS already, as %s says', async (_, options, env) => {
    const server = await startBed();
    const { port } = await relay(() =>
      tls.connect({ port: server.directPort, host: '127.0.0.1', ca: server.ca, servername: DOMAIN }),
    );
    const socket = await connected({ port, host: '127.0.0.1' });
    await startSj({ stdio: [...descriptors(socket, socket)], options, env }).online();
    expect(server.sessions()).toMatchObject([{ jid: FULL, tls: 'TLSv1.3', mechanism: 'SCRAM-SHA-512' }]);
  });

  it.each([
    ['6>&- 7>&-', 'descriptor 6 is not open'],
    ['6</dev/null 7>&1', 'descriptor 6 is a device'],
    ['6</bin/sh 7>&1', 'descriptor 6 is a file'],
    ['6<&0 7>file', 'descriptor 7 is a file'],
    ['6<&0 7>&-', 'descriptor 7 is not open'],
  ])('is none: %s', async (redirection, what) => {
    const dir = scratch();
    const script = `echo | sj -d xmpp -u alice -s ${DOMAIN} ${redirection} 2>err; echo $?; cat err`;
    const [code, ...err] = (await sh(dir, script)).split('\n');
    expect(code).toBe('100');
    expect(err).toEqual([expect.stringContaining(`sj: fatal: ${what}`), '']);
    expect(fs.existsSync(path.join(dir, 'xmpp'))).toBe(false);
  });
});

describe('the certificate is trusted because of', () => {
  it.each(['SSL_CERT_FILE', 'nothing'])('%s', async (why) => {
    const server = await startBed();
    const { caFile, ...untrusted } = server;
    const alice = startSuite(
      { ...untrusted, port: server.port },
      why === 'nothing' ? {} : { env: { SSL_CERT_FILE: caFile } },
    );
    if (why === 'SSL_CERT_FILE') return void (await alice.online());
    expect(await alice.ended).toBe(76);
    expect(alice.err()).toMatch(ONE_LINE);
  });
});

describe('the password comes', () => {
  it('from the descriptor that -p names, rather than from the file', async () => {
    const server = await startBed();
    const file = path.join(scratch(), 'secret');
    fs.writeFileSync(file, 'secret-alice\nmore\n');
    const fd = fs.openSync(file, 'r');
    onTestFinished(() => fs.closeSync(fd));
    const stdio = ['ignore', 'pipe', 'pipe', fd] as const;
    await startSuite(server, { options: ['-p', '3'], password: 'wrong', stdio: [...stdio] }).online();
  });

  it('from a pipe', async () => {
    const server = await startBed();
    const alice = startSuite(server, {
      options: ['-p', '4'],
      password: null,
      stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe'],
    });
    (alice.child.stdio[4] as net.Socket).end('secret-alice\n');
    await alice.online();
  });

  // Without a terminal: all of these run in sessions of their own.
  it('from the first line of stdin', async () => {
    const server = await startBed();
    const alice = startSuite(server, { password: null });
    alice.child.stdin!.write('secret-alice\n');
    await alice.online();
  });

  it.each([
    [0o644, 'others have access to it'],
    [0o620, 'others have access to it'],
  ])('not from a file of mode %o', async (mode, why) => {
    const server = await startBed();
    const dir = path.join(scratch(), 'xmpp');
    fs.mkdirSync(dir);
    fs.writeFileSync(path.join(dir, 'password'), 'secret-alice\n');
    fs.chmodSync(path.join(dir, 'password'), mode);
    const alice = startSuite(server, { dir, password: null });
    expect(await alice.ended).toBe(100);
    expect(alice.err()).toBe(`sj: fatal: cannot use ${dir}/password: ${why} (chmod 600 ${dir}/password)\n`);
    expect(server.heard()).toBe('');
  });

  it('from nowhere', async () => {
    const server = await startBed();
    const alice = startSuite(server, { password: null, stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await alice.ended).toBe(100);
    expect(alice.err()).toBe('sj: fatal: no password\n');
  });
});

describe('without TLS', () => {
  const open = (options: ServerOptions = {}) => startBed({ plaintext: true, faults: { noStarttls: true }, ...options });

  it('there is a session only with -I', async () => {
    const server = await open();
    const refused = startSuite(server);
    expect(await refused.ended).toBe(76);
    expect(refused.err()).toMatch(/^sj: fatal: the server offers no STARTTLS.*\n$/);
    expect(server.heard()).not.toContain('<auth');
    await startSuite(server, { options: ['-I'] }).online();
    expect(server.sessions()).toMatchObject([{ tls: '', mechanism: 'SCRAM-SHA-512' }]);
  });

  it('the password itself is sent only with -I -I', async () => {
    const server = await open({ mechanisms: ['PLAIN'] });
    const refused = startSuite(server, { options: ['-I'] });
    expect(await refused.ended).toBe(76);
    expect(refused.err()).toMatch(/^sj: fatal: the server offers only PLAIN: .*\n$/);
    expect(server.heard()).not.toContain('<auth');
    await startSuite(server, { options: ['-I', '-I'] }).online();
    expect(server.sessions()).toMatchObject([{ tls: '', mechanism: 'PLAIN' }]);
  });

  it('-I takes TLS where there is some', async () => {
    const server = await startBed({ plaintext: true });
    await startSuite(server, { options: ['-I'] }).online();
    expect(server.sessions()).toMatchObject([{ tls: 'TLSv1.3' }]);
  });
});

it.each(['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS'])('-D shows stanzas and no secret of %s', async (mechanism) => {
  let all = '';
  const server = await startBed({
    mechanisms: [mechanism],
    channelBindings: ['tls-exporter'],
    onRaw: (_, data) => {
      all += data.toString();
    },
  });
  const alice = await startSuite(server, { options: ['-D'] }).online();
  await alice.sh(`echo "<message to='${ALICE}'><body>shown</body></message>" > in`);
  await until(() => alice.err().includes('recv: <message'));
  expect(server.sessions()).toMatchObject([{ mechanism }]);
  const secrets = [...all.matchAll(/<(?:auth|challenge|response|success)[^>]*>([^<]{8,})/g)].map(([, data]) => data!);
  expect(secrets.length).toBeGreaterThan(mechanism === 'PLAIN' ? 0 : 3);
  for (const secret of ['secret-alice', ...secrets, ...secrets.map((data) => Buffer.from(data, 'base64').toString())])
    expect(alice.err()).not.toContain(secret);
  for (const line of alice.err().trimEnd().split('\n')) expect(line).toMatch(/^sj: (sent|recv): /);
  for (const what of ['sent: <auth', 'recv: <success', 'sent: <message', '<body>shown</body>'])
    expect(alice.err()).toContain(what);
});

describe('a mechanism once used', () => {
  const logins = (bed: Bed) => [...bed.heard().matchAll(/<auth [^>]*mechanism='([^']*)'/g)].map(([, name]) => name);

  it('is the least for the next time, until the user lifts that', async () => {
    const strong = await startBed();
    const { dir, ...first } = await startSuite(strong).online();
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(fs.statSync(path.join(dir, '.sasl')).mode & 0o777).toBe(0o600);

    const weak = await startBed({ mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'] });
    const second = startSuite(weak, { dir });
    expect(await second.ended).toBe(76);
    expect(second.err()).toMatch(ONE_LINE);
    expect(second.err()).toContain('offers only SCRAM-SHA-256, SCRAM-SHA-1, PLAIN');
    expect(second.err()).toContain('SCRAM-SHA-512 was used before');
    expect(second.err()).toContain('remove the file .sasl in the account directory');
    expect(logins(weak)).toEqual([]);

    fs.rmSync(path.join(dir, '.sasl'));
    await startSuite(weak, { dir }).online();
    expect(logins(weak)).toEqual(['SCRAM-SHA-256']);
  });

  it('is so for its account only', async () => {
    const { dir, ...alice } = await startSuite(await startBed()).online();
    alice.child.kill('SIGTERM');
    await alice.ended;
    const weak = await startBed({ mechanisms: ['PLAIN'] });
    await startSuite(weak, { dir, user: 'bob' }).online();
    expect(logins(weak)).toEqual(['PLAIN']);
  });
});

it('a login that the server holds up with white space ends', async () => {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    const timer = setInterval(() => socket.write(' '), 100);
    socket.on('close', () => clearInterval(timer));
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)),
  );
  const alice = startSuite({ port }, { options: ['-t', '1'] });
  expect(await alice.ended).toBe(111);
  expect(alice.err()).toMatch(/^sj: fatal: no session after 5 seconds: the server does not go on\n$/);
});
