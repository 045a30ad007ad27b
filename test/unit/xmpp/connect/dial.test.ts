import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, expect, it } from 'vitest';
import { EXIT } from '../../../../lib/cli/exit.ts';
import { connectAny, dial, interleave } from '../../../../lib/xmpp/connect/dial.ts';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that speaks first. @returns its port */
async function greeter(host: string, port = 0): Promise<number> {
  const server: Server = createServer((socket) => {
    closers.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.write('hello');
  });
  server.listen(port, host);
  await once(server, 'listening');
  closers.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function kept<S extends Socket | null>(socket: S): S {
  closers.push(() => socket?.destroy());
  return socket;
}

const target = (host: string, port: number) => ({ host, port, tls: false });
const hosts = ['127.0.0.1'];
// A container may be without IPv6.
if (Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1')))
  hosts.push('::1');

it.each(hosts)('connects to %s and reads nothing', async (host) => {
  const port = await greeter(host);
  const { socket } = await dial('example.org', [target(host, port)]);
  kept(socket);
  expect([socket.remoteAddress, socket.remotePort]).toEqual([host, port]);
  expect(socket.isPaused()).toBe(true);
  // The greeting is still there for the next reader.
  socket.resume();
  const [greeting] = await once(socket, 'data');
  expect(String(greeting)).toBe('hello');
});

it('takes the next target where one is not there', async () => {
  const closed = await closedPort();
  const open = await greeter('127.0.0.1');
  const targets = [target('127.0.0.1', closed), target('no-such-host.invalid', 5222), target('localhost', open)];
  const dialed = await dial('example.org', targets);
  kept(dialed.socket);
  expect(dialed.target).toBe(targets[2]);
});

it('says what it tried', async () => {
  const closed = await closedPort();
  const targets = [target('127.0.0.1', closed), target('no-such-host.invalid', 5222)];
  await expect(dial('example.org', targets)).rejects.toMatchObject({
    code: EXIT.temporary,
    message: expect.stringMatching(
      new RegExp(
        `^cannot connect to example\\.org: 127\\.0\\.0\\.1:${closed}: connection refused; ` +
          'no-such-host\\.invalid:5222: (no such host|the name servers do not answer)$',
      ),
    ),
  });
});

it('tries the next address at once where one refuses', async () => {
  const port = await greeter('127.0.0.1');
  const failures: string[] = [];
  const socket = kept(await connectAny(['127.0.0.2', '127.0.0.3', '127.0.0.1'], port, (host) => failures.push(host)));
  expect(socket?.remoteAddress).toBe('127.0.0.1');
  expect(failures).toEqual(['127.0.0.2', '127.0.0.3']);
});

it('tries the next address beside one that is silent', async () => {
  const port = await greeter('127.0.0.1');
  // A queue of connections that is full and that nobody takes any from: Linux drops whatever else comes.
  const script = `require('net').createServer().listen({ port: ${port}, host: '127.0.0.2', backlog: 1 }, () => {
    require('fs').writeSync(1, 'up');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  })`;
  const hole = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  closers.push(() => hole.kill('SIGKILL'));
  await once(hole.stdout, 'data');
  for (let i = 0; i < 2; i++) {
    const filler = kept(connect(port, '127.0.0.2'));
    filler.on('error', () => {});
    await once(filler, 'connect');
  }
  const failures: string[] = [];
  const socket = kept(await connectAny(['127.0.0.2', '127.0.0.1'], port, (host) => failures.push(host)));
  expect(socket?.remoteAddress).toBe('127.0.0.1');
  expect(failures).toEqual([]);
});

it('lets the families take turns', () => {
  expect(interleave(['::1', '::2', '::3', '192.0.2.1', '192.0.2.2'])).toEqual([
    ...['::1', '192.0.2.1', '::2', '192.0.2.2', '::3'],
  ]);
  expect(interleave(['192.0.2.1', '::1'])).toEqual(['192.0.2.1', '::1']);
  expect(interleave(['192.0.2.1', '192.0.2.2'])).toEqual(['192.0.2.1', '192.0.2.2']);
  expect(interleave([])).toEqual([]);
});
