// xmppc -k with a shell script in the place of sj: when it tries again, and what each sj gets.
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contents, type Job, type JobOptions, newAccount, scratch, start, until } from './bed/suite.ts';

const ACCOUNT = 'alice@example.org';
/** Waits that a test can wait for, and one that it can't. */
const SOON = '0.01:0.05';
const LATE = '3600';

type Kept = Job & { dir: string; state(): string /** What the script has noted, line by line. */; notes(): string[] };

/** Runs xmppc -k with a script for sj; in it, `note` writes a line into a file that all its runs share. */
function keep(
  port: number,
  script: string,
  options: string[] = [],
  more: JobOptions & { dir?: string; path?: string } = {},
): Kept {
  const dir = more.dir ?? newAccount();
  const programs = scratch();
  const notes = path.join(programs, 'notes');
  const head = `#!/bin/sh\nnote() { echo "$*" >> ${notes}; }\nruns() { grep -c "$1" ${notes}; }\n`;
  fs.writeFileSync(path.join(programs, 'sj'), `${head}${script}\n`, { mode: 0o755 });
  const argv = ['xmppc', '-k', '-H', `127.0.0.1:${port}`, '-d', dir, '-w', SOON, ...options, ACCOUNT];
  const { env, stdio = ['pipe', 'pipe', 'pipe'], path: first = programs } = more;
  const bin = path.resolve('bin');
  const job = start(argv, { env: { PATH: `${first}:${programs}:${bin}:${process.env.PATH}`, ...env }, stdio });
  return {
    ...job,
    dir,
    state: () => contents(dir, 'state'),
    notes: () => contents(notes).split('\n').slice(0, -1),
  };
}

function withPassword(): string {
  const dir = newAccount();
  fs.writeFileSync(path.join(dir, 'password'), 'secret\n', { mode: 0o600 });
  return dir;
}

async function listen(port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).resume();
    onTestFinished(() => void socket.destroy());
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

/** A script that is online until it is told to end; a shell hears of signals between two commands. */
const WAIT = 'while :; do sleep 0.05; done';
const ONLINE = `trap 'note term; exit 0' TERM; trap 'note alarm' ALRM; note run; echo >&3; ${WAIT}`;

describe('tries again', () => {
  it('as often as needed, and ends with the exit code that ends it', async () => {
    const { port } = await listen();
    const job = keep(
      port,
      'note run; case $(runs run) in 1) exit 111 ;; 2) exit 3 ;; 3) kill -9 $$ ;; *) exit 77; esac',
      [],
      {
        dir: withPassword(),
      },
    );
    expect(await job.ended).toBe(77);
    expect(job.notes()).toHaveLength(4);
    const lines = job.err().trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/[\d.]+ s$/, 'N s'))).toEqual([
      'xmppc: warning: offline: sj ended with exit code 111; next try in N s',
      'xmppc: warning: offline: sj ended with exit code 3; next try in N s',
      'xmppc: warning: offline: sj was killed by SIGKILL; next try in N s',
    ]);
    expect(job.state()).toBe('failed sj ended with exit code 77\n');
  });

  it.each([0, 76, 77, 100])('not after %i', async (code) => {
    const { port } = await listen();
    const job = keep(port, `note run; exit ${code}`, [], { dir: withPassword() });
    expect(await job.ended).toBe(code);
    expect([job.notes(), job.err()]).toEqual([['run'], '']);
  });

  it('after 76, too, when the account has been online', async () => {
    const { port } = await listen();
    const script = 'note run; [ $(runs run) = 3 ] && exit 0; echo >&3; cat <&3 >/dev/null; exit 76';
    const job = keep(port, script, [], { dir: withPassword() });
    expect([await job.ended, job.notes()]).toEqual([0, ['run', 'run', 'run']]);
  });

  it('when nobody has answered, and says so in `state`', async () => {
    const { server, port } = await listen();
    server.close();
    const job = keep(port, ONLINE, [], { dir: withPassword() });
    const failed = `cannot connect to example.org: 127.0.0.1:${port}: connection refused`;
    await until(() => job.state() === `failed ${failed}\n`);
    await until(() => job.err().includes(`xmppc: warning: offline: ${failed}; next try in `));
    await listen(port);
    await until(() => job.notes().includes('run'));
    job.child.kill('SIGTERM');
    expect([await job.ended, job.state()]).toEqual([0, 'offline\n']);
  });

  it.each(['SIGHUP', 'SIGALRM'] as const)('at once at %s', async (signal) => {
    const { port } = await listen();
    const job = keep(port, 'note run; [ $(runs run) = 3 ] && exit 0; exit 111', ['-w', LATE], { dir: withPassword() });
    for (const times of [1, 2]) {
      await until(() => job.err().split('next try').length === times + 1);
      job.child.kill(signal);
    }
    expect([await job.ended, job.notes()]).toEqual([0, ['run', 'run', 'run']]);
  });
});

describe('each sj', () => {
  it.each(['SIGHUP', 'SIGALRM'] as const)('hears of a changed network by SIGALRM, sent by %s', async (signal) => {
    const { port } = await listen();
    const job = keep(port, ONLINE, [], { dir: withPassword() });
    await until(() => job.notes().includes('run'));
    job.child.kill(signal);
    await until(() => job.notes().includes('alarm'));
    job.child.kill('SIGTERM');
    expect([await job.ended, job.notes()]).toEqual([0, ['run', 'alarm', 'term']]);
  });

  const ASKS =
    'note "$@"; env | grep -q secret && note leak; note "$(cat <&5)"; [ $(runs secret) = 2 ] && exit 0; exit 111';
  const ARGS = (dir: string) => `-u alice -s example.org -d ${dir} -n 3 -e 4`;

  it('gets the password that stood on stdin', async () => {
    const { port } = await listen();
    const job = keep(port, ASKS);
    job.child.stdin!.write('secret\nmore\n');
    expect(await job.ended).toBe(0);
    expect(job.notes()).toEqual([`${ARGS(job.dir)} -p 5`, 'secret', `${ARGS(job.dir)} -p 5`, 'secret']);
  });

  it('gets the password that came over a descriptor', async () => {
    const { port } = await listen();
    const job = keep(port, ASKS, ['-p', '9'], {
      dir: withPassword(),
      stdio: ['ignore', 'pipe', 'pipe', ...Array(6).fill('ignore'), 'pipe'],
    });
    const way = job.child.stdio[9 as 3] as NodeJS.WritableStream;
    way.write('secret\n');
    expect(await job.ended).toBe(0);
    expect(job.notes()).toEqual([`${ARGS(job.dir)} -p 5`, 'secret', `${ARGS(job.dir)} -p 5`, 'secret']);
  });

  it.each(['password', 'cert.pem'])('reads the file by itself: %s', async (name) => {
    const { port } = await listen();
    const dir = newAccount();
    fs.writeFileSync(path.join(dir, name), 'secret\n', { mode: 0o600 });
    const job = keep(port, 'note "$@"; exit 0', [], { dir });
    expect([await job.ended, job.notes()]).toEqual([0, [ARGS(dir)]]);
  });

  it.each([
    [{}, '600'],
    [{ SJ_LINGER: '5' }, '5'],
  ])('lets messaged linger: %j', async (env, seconds) => {
    const { port } = await listen();
    const job = keep(port, 'note $SJ_LINGER; exit 0', [], { dir: withPassword(), env });
    expect([await job.ended, job.notes()]).toEqual([0, [seconds]]);
  });

  it('ends when xmppc is killed', async () => {
    const { port } = await listen();
    const job = keep(port, 'note run; cat <&4; note gone', [], { dir: withPassword() });
    await until(() => job.notes().includes('run'));
    job.child.kill('SIGKILL');
    await until(() => job.notes().includes('gone'));
  });

  it('has a descriptor of its own to say that it is online, and a supervisor hears of the first time', async () => {
    const { port } = await listen();
    const script = 'note run; echo >&3; cat <&3 >/dev/null; [ $(runs run) = 3 ] && exit 0; exit 111';
    const job = keep(port, script, ['-n', '8'], {
      dir: withPassword(),
      stdio: ['ignore', 'pipe', 'pipe', ...Array(5).fill('ignore'), 'pipe'],
    });
    const told = await text(job.child.stdio[8 as 3] as NodeJS.ReadableStream);
    expect(told).toBe('\n');
    expect(await job.ended).toBe(0);
  });
});

it('xmppc -k says that the account is online as often as it has not been', async () => {
  const { port } = await listen();
  const script = 'note run; echo >&3; cat <&3 >/dev/null; [ $(runs run) = 3 ] && exit 0; exit 111';
  const job = keep(port, script, [], { dir: withPassword() });
  expect(await job.ended).toBe(0);
  const lines = job.err().trimEnd().split('\n');
  const online = `xmppc: online as ${ACCOUNT}`;
  const offline = 'xmppc: warning: offline: sj ended with exit code 111';
  expect(lines.map((line) => line.replace(/; next try.*/, ''))).toEqual([online, offline, online, offline, online]);
});

describe('systemd', () => {
  /** In its place, a script that notes what it is called with. */
  function notify(script = ''): { path: string; env: NodeJS.ProcessEnv; calls(): string[] } {
    const dir = scratch();
    fs.writeFileSync(
      path.join(dir, 'systemd-notify'),
      `#!/bin/sh\nfor arg; do printf '%s|' "$arg"; done >> ${dir}/calls; echo "$NOTIFY_SOCKET" >> ${dir}/calls\n${script}\n`,
      { mode: 0o755 },
    );
    const calls = () => contents(dir, 'calls').split('\n').slice(0, -1);
    return { path: dir, env: { NOTIFY_SOCKET: '@somewhere' }, calls };
  }

  it('is told that the account is online, and why it is not', async () => {
    const { port } = await listen();
    const { calls, ...systemd } = notify();
    const dir = withPassword();
    const script = `note run $NOTIFY_SOCKET; echo 'online ${ACCOUNT}/x' > ${dir}/state; echo >&3; cat <&3; exit 111`;
    const job = keep(port, script, ['-w', LATE], { dir, ...systemd });
    await until(() => calls().length === 2);
    expect(calls()).toEqual([
      `--ready|--status=online ${ACCOUNT}/x|@somewhere`,
      '--status=offline: sj ended with exit code 111|@somewhere',
    ]);
    expect(job.notes()).toEqual(['run']);
    job.child.kill('SIGHUP');
    await until(() => calls().length > 2);
    // Ready is said once.
    expect(calls()[2]).toBe(`--status=online ${ACCOUNT}/x|@somewhere`);
  });

  it('may be missing: the session does not suffer', async () => {
    const { port } = await listen();
    const { path: programs, ...systemd } = notify('exit 1');
    const script = 'note run; echo >&3; cat <&3; [ $(runs run) = 2 ] && exit 0; exit 111';
    const job = keep(port, script, [], { dir: withPassword(), path: programs, env: systemd.env });
    expect([await job.ended, job.notes()]).toEqual([0, ['run', 'run']]);
    await until(() => systemd.calls().length > 0);
  });
});

describe('is told to end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s: so is sj, and however that ends, it was told to', async (signal) => {
    const { port } = await listen();
    const job = keep(port, `trap 'exit 111' TERM; note run; ${WAIT}`, [], { dir: withPassword() });
    await until(() => job.notes().includes('run'));
    job.child.kill(signal);
    expect([await job.ended, job.state(), job.err()]).toEqual([0, 'offline\n', '']);
  });

  it('while it waits', async () => {
    const { port } = await listen();
    const job = keep(port, 'exit 111', ['-w', LATE], { dir: withPassword() });
    await until(() => job.err().includes('next try'));
    job.child.kill('SIGTERM');
    expect([await job.ended, job.state()]).toEqual([0, 'offline\n']);
  });
});

it('is alone on a directory', async () => {
  const { port } = await listen();
  const dir = withPassword();
  const job = keep(port, ONLINE, [], { dir });
  await until(() => job.notes().includes('run'));
  const second = keep(port, ONLINE, [], { dir });
  expect(await second.ended).toBe(100);
  expect(second.err()).toBe(`xmppc: fatal: ${dir} is in use by xmppc, pid ${job.child.pid}\n`);
  job.child.kill('SIGTERM');
  expect([await job.ended, second.notes()]).toEqual([0, []]);
});

it.each([[], ['-k']])('connects first where the session would like to be resumed %j', async (...options) => {
  const { port } = await listen();
  const programs = scratch();
  fs.writeFileSync(path.join(programs, 'sj'), '#!/bin/sh\necho $TCPREMOTEPORT\n', { mode: 0o755 });
  const dir = withPassword();
  const run = (account: string, more: string[] = []) => {
    fs.writeFileSync(
      path.join(dir, '.session'),
      JSON.stringify({ account: 'alice@localhost', location: `127.0.0.1:${port}` }),
    );
    const env = { PATH: `${programs}:${path.resolve('bin')}:${process.env.PATH}` };
    return start(['xmppc', ...options, ...more, '-d', dir, account], { env });
  };
  const here = run('alice@localhost');
  expect([await here.ended, here.out()]).toEqual([0, `${port}\n`]);
  // Not where the user says where the server is.
  const other = await listen();
  const there = run('alice@localhost', ['-H', `127.0.0.1:${other.port}`]);
  expect([await there.ended, there.out()]).toEqual([0, `${other.port}\n`]);
});
