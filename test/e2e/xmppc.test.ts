import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

const XMPPC = resolve('bin/xmppc');
const base = mkdtempSync(join(tmpdir(), 'sj-xmppc-'));
const closers: (() => void)[] = [];
let count = 0;
let dir = '';

beforeEach(() => {
  dir = join(base, String(count++));
  mkdirSync(dir);
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

afterAll(() => rmSync(base, { recursive: true }));

/** Puts a shell script in the place of sj: what it gets on 6 and 7 is as a real program would get it. */
function fakeSj(script: string): void {
  writeFileSync(join(dir, 'sj'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, 'sj'), 0o755);
}

type Running = { child: ChildProcess; out: Promise<string>; err: Promise<string>; code: Promise<number | null> };

function xmppc(args: string[], settings: SpawnOptions = {}): Running {
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}`, TCPLOCALHOST: 'stale', ...settings.env };
  const child = spawn(XMPPC, args, { stdio: ['ignore', 'pipe', 'pipe'], ...settings, env });
  closers.push(() => child.kill('SIGKILL'));
  return {
    child,
    out: text(child.stdout!),
    err: text(child.stderr!),
    code: once(child, 'close').then(([code]) => code),
  };
}

async function ended(running: Running) {
  const [out, err, code] = await Promise.all([running.out, running.err, running.code]);
  return { out, err, code };
}

/** A TCP server on loopback. */
async function serve(serveOne: (socket: Socket) => void, host = '127.0.0.1') {
  const sockets: Socket[] = [];
  const from: (number | undefined)[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    from.push(socket.remotePort);
    socket.on('error', () => {});
    serveOne(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, at: `${host.includes(':') ? `[${host}]` : host}:${address.port}`, sockets, from };
}

/** Resolves as soon as `wanted` has come out of `stream`. */
async function until(stream: NodeJS.ReadableStream, wanted: string): Promise<void> {
  let seen = '';
  await new Promise<void>((done) => {
    stream.on('data', (chunk) => {
      seen += chunk;
      if (seen.includes(wanted)) done();
    });
  });
}

const idle = (socket: Socket) => void socket.resume();

describe('what sj gets', () => {
  it('is who and where, and its own options as they were given', async () => {
    fakeSj('printf "<%s>" "$@"');
    const { at } = await serve(idle);
    const args = ['-D', '-c', '-', '-r', 'home', '-H', at, 'Alice@Example.ORG/phone', '-II', '-d', 'a b'];
    const result = await ended(xmppc(args));
    expect(result).toEqual({
      out: '<-u><alice><-s><example.org><-D><-I><-I><-c><-><-d><a b><-r><home><-n><3>',
      err: '',
      code: 0,
    });
  });

  it('is the resource of a full JID', async () => {
    fakeSj('printf "<%s>" "$@"');
    const { at } = await serve(idle);
    const { out } = await ended(xmppc(['alice@example.org/my phone', '-H', at]));
    expect(out).toBe('<-u><alice><-s><example.org><-r><my phone><-n><3>');
  });

  it('is -x where TLS begins at once', async () => {
    fakeSj('printf "<%s>" "$@"');
    const { at } = await serve(idle);
    const { out } = await ended(xmppc(['-x', '-H', at, 'alice@example.org']));
    expect(out).toBe('<-u><alice><-s><example.org><-n><3><-x>');
  });

  it('is the environment of UCSPI', async () => {
    fakeSj('env | grep -E "^(PROTO|TCP)" | sort');
    const { at, port, from } = await serve(idle);
    const { out } = await ended(xmppc(['-H', at, 'alice@example.org']));
    expect(out.trim().split('\n')).toEqual([
      ...['PROTO=TCP', 'TCPLOCALIP=127.0.0.1', `TCPLOCALPORT=${from[0]}`],
      ...['TCPREMOTEIP=127.0.0.1', `TCPREMOTEPORT=${port}`],
    ]);
    const named = await ended(xmppc(['-H', `localhost:${port}`, 'alice@example.org']));
    expect(named.out).toContain('TCPREMOTEHOST=localhost\n');
  });

  const hosts = ['127.0.0.1'];
  // A container may be without IPv6.
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  if (addresses.some(({ address }) => address === '::1')) hosts.push('::1');

  it.each(hosts)('is the whole connection, from its first byte on: %s', async (host) => {
    // cat can't read from a socket in non-blocking mode, and sees the end that the server makes.
    fakeSj('cat <&6 >&7');
    const sent = 'x'.repeat(300_000);
    let received = '';
    const { at } = await serve((socket) => {
      socket.write('greeting');
      socket.on('data', (chunk) => {
        if (received === '') socket.write(sent);
        received += chunk;
        if (received.length === 'greeting'.length + sent.length) socket.end();
      });
    }, host);
    expect(await ended(xmppc(['-H', at, 'alice@example.org']))).toEqual({ out: '', err: '', code: 0 });
    expect(received === `greeting${sent}`).toBe(true);
  });

  it('is the only copy of the connection: its end is the end', async () => {
    fakeSj('exec 6<&- 7>&-; echo closed; read -r line');
    let left = () => {};
    const gone = new Promise<void>((done) => (left = done));
    const { at } = await serve((socket) => void socket.resume().on('end', () => left()));
    const running = xmppc(['-H', at, 'alice@example.org'], { stdio: ['pipe', 'pipe', 'pipe'] });
    await gone;
    running.child.stdin!.end('\n');
    expect((await ended(running)).out).toBe('closed\n');
  });

  it('is stdin and stdout', async () => {
    fakeSj('cat; echo trouble >&2');
    const { at } = await serve(idle);
    const running = xmppc(['-H', at, 'alice@example.org'], { stdio: ['pipe', 'pipe', 'pipe'] });
    running.child.stdin!.end('secret\n');
    expect(await ended(running)).toEqual({ out: 'secret\n', err: 'trouble\n', code: 0 });
  });

  it.each([3, 5, 8, 12])('is the descriptor that -p names: %i', async (fd) => {
    fakeSj(`printf "<%s>" "$@"; cat /dev/fd/${fd}`);
    const { at } = await serve(idle);
    writeFileSync(join(dir, 'secret'), 'secret\n');
    const file = openSync(join(dir, 'secret'), 'r');
    closers.push(() => closeSync(file));
    const stdio = ['ignore', 'pipe', 'pipe', ...Array(fd - 3).fill('ignore'), file];
    const { out } = await ended(xmppc(['-H', at, '-p', String(fd), 'alice@example.org'], { stdio }));
    expect(out).toBe(`<-u><alice><-s><example.org><-p><${fd}><-n><${fd === 3 ? 4 : 3}>secret\n`);
  });

  it.each([3, 9])(
    'is a descriptor to say that it is online, which xmppc says itself, and on that of -n: %i',
    async (fd) => {
      fakeSj('printf "<%s>" "$@"; echo >&3');
      const { at } = await serve(idle);
      const stdio = ['ignore', 'pipe', 'pipe', ...Array(fd - 3).fill('ignore'), 'pipe'];
      const running = xmppc(['-H', at, '-n', String(fd), 'alice@example.org'], { stdio });
      const told = text(running.child.stdio[fd as 3] as NodeJS.ReadableStream);
      expect(await ended(running)).toEqual({
        out: '<-u><alice><-s><example.org><-n><3>',
        err: 'xmppc: online as alice@example.org\n',
        code: 0,
      });
      expect(await told).toBe('\n');
    },
  );
});

describe('where it connects', () => {
  it('is the first of several addresses that answers', async () => {
    fakeSj('cat <&6');
    // Nobody listens on the other addresses of this name.
    const { port } = await serve((socket) => socket.end('here'), '127.0.0.1');
    const { out } = await ended(xmppc(['-H', `localhost:${port}`, 'alice@example.org']));
    expect(out).toBe('here');
  });

  it('is nowhere: it says what it tried', async () => {
    fakeSj('echo started');
    const { port, sockets } = await serve(idle, '127.0.0.2');
    const result = await ended(xmppc(['-H', `127.0.0.1:${port}`, 'alice@example.org']));
    expect(result).toEqual({
      out: '',
      err: `xmppc: fatal: cannot connect to example.org: 127.0.0.1:${port}: connection refused\n`,
      code: 111,
    });
    expect(sockets).toHaveLength(0);
  });
});

describe('how it ends', () => {
  it.each([0, 1, 76, 77, 100, 111, 255])('with the exit code of sj: %i', async (code) => {
    fakeSj(`exit ${code}`);
    const { at } = await serve(idle);
    expect(await ended(xmppc(['-H', at, 'alice@example.org']))).toEqual({ out: '', err: '', code });
  });

  it('with 111 if sj was killed', async () => {
    fakeSj('kill -9 $$');
    const { at } = await serve(idle);
    expect(await ended(xmppc(['-H', at, 'alice@example.org']))).toEqual({
      out: '',
      err: `xmppc: fatal: ${join(dir, 'sj')} was killed by SIGKILL\n`,
      code: 111,
    });
  });

  it('with 111 if sj can not be started', async () => {
    fakeSj('');
    writeFileSync(join(dir, 'sj'), '#!/nonexistent/interpreter\n');
    const { at } = await serve(idle);
    const { err, code } = await ended(xmppc(['-H', at, 'alice@example.org']));
    expect(err).toMatch(/^xmppc: fatal: cannot start .*\/sj: /);
    expect(code).toBe(111);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGALRM', 'SIGUSR1', 'SIGUSR2'] as const)(
    'when sj does, which gets %s',
    async (signal) => {
      const name = signal.slice(3);
      fakeSj(`trap 'echo got ${name}; exit 42' ${name}; echo ready; cat <&6 >/dev/null 2>&1 & wait`);
      const { at } = await serve(idle);
      // A session of its own: no terminal whose keys could have sent the signal.
      const running = xmppc(['-H', at, 'alice@example.org'], { detached: true });
      await until(running.child.stdout!, 'ready');
      running.child.kill(signal);
      expect(await running.code).toBe(42);
      expect(await running.out).toBe(`ready\ngot ${name}\n`);
    },
  );

  it('not when sj survives the signal', async () => {
    fakeSj(`trap 'echo again' HUP; echo ready; cat <&6 >/dev/null 2>&1 & wait; wait; exit 5`);
    const { at, sockets } = await serve(idle);
    const running = xmppc(['-H', at, 'alice@example.org'], { detached: true });
    await until(running.child.stdout!, 'ready');
    running.child.kill('SIGHUP');
    await until(running.child.stdout!, 'again');
    for (const socket of sockets) socket.end();
    expect(await running.code).toBe(5);
  });
});

describe('the command line', () => {
  it.each([
    [[], 'USER@DOMAIN is missing'],
    [['example.org'], 'not an account, USER@DOMAIN: example.org'],
    [['@example.org'], 'not an account'],
    [['a b@example.org'], 'not an account'],
    [['alice@example.org', 'bob@example.org'], 'one account only'],
    [['-s', 'x', 'alice@example.org'], 'no -s here'],
    [['-u', 'x', 'alice@example.org'], 'no -u here'],
    [['-T', 'alice@example.org'], 'no -T here'],
    [['-x', 'alice@example.org', '-I'], '-x asks for TLS, and -I for none'],
    [['-Z', 'alice@example.org'], 'unknown option -Z'],
    [['alice@example.org', '-H'], 'option -H needs a value'],
    [['alice@example.org', '-H', '[::1'], 'not HOST or HOST:PORT: [::1'],
    [['alice@example.org', '-p', 'x'], 'not a descriptor: x'],
    [['alice@example.org', '-p', '6'], '6 and 7 are the connection'],
    [['alice@example.org', '-p', '7'], '6 and 7 are the connection'],
    [['alice@example.org', '-p', '9'], 'descriptor 9 is not open'],
    [['alice@example.org', '-n', '7'], '6 and 7 are the connection'],
    [['alice@example.org', '-n', '9'], 'option -n: descriptor 9 is not open'],
    [['alice@example.org', '-n', '1', '-p', '1'], '-n and -p can not both be descriptor 1'],
    [['alice@example.org', '-w', '5'], 'there is no -k'],
    [['alice@example.org', '-k', '-w', 'soon'], 'option -w: not a number of seconds'],
    [['alice@example.org', '-kw', '5:1'], 'the longest wait is shorter'],
  ])('is refused: %j', async (args, message) => {
    fakeSj('echo started');
    const { out, err, code } = await ended(xmppc(args));
    expect(err).toContain(message);
    expect(err.startsWith('xmppc: fatal: ')).toBe(true);
    expect({ out, code }).toEqual({ out: '', code: 100 });
  });

  it('is explained', async () => {
    expect((await ended(xmppc([]))).err).toMatch(/\nusage: xmppc \[-.*USER@DOMAIN\n$/);
  });
});

it('finds sj beside itself, through links, when it is not on PATH', async () => {
  mkdirSync(join(dir, 'suite'));
  mkdirSync(join(dir, 'links'));
  fakeSj('exit 1');
  symlinkSync(XMPPC, join(dir, 'links', 'xmppc'));
  // The real one is beside the real xmppc; without a connection that speaks XMPP it can but complain.
  const { at } = await serve((socket) => socket.end());
  const node = join(dir, 'only-node');
  mkdirSync(node);
  symlinkSync(process.execPath, join(node, 'node'));
  const child = spawn(join(dir, 'links', 'xmppc'), ['-H', at, '-d', join(dir, 'xmpp'), 'alice@example.org'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: node },
  });
  expect(await text(child.stderr)).toMatch(/^sj: /);
});
