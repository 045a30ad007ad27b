// How a session ends when somebody ends it: signals to sj and to its daemons, and what the next start finds.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  events,
  group,
  type Suite,
  snapshot,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

const DAEMONS = ['messaged', 'presenced', 'iqd'] as const;
/** For an orderly end, in milliseconds; the machine may be busy. */
const GENEROUS = 10_000;

/** Alice online, with bob shown as away. */
async function company(server: Bed): Promise<Suite> {
  const alice = await startSuite(server).online();
  await server.online(ALICE);
  await server.inject(ALICE, `<presence from='${BOB}/r'><show>away</show></presence>`);
  await alice.see(`${BOB}/presence`, 'away');
  await alice.chat(BOB);
  // Each calls itself so when it has started.
  await until(() => DAEMONS.every((name) => running(alice).includes(name)));
  return alice;
}

const running = (alice: Suite) => group(alice.child.pid!).map(({ name }) => name);
const presence = (alice: Suite) => contents(alice.dir, BOB, 'presence');

describe.each(DAEMONS)('kill -9 of %s', (name) => {
  it('ends the session with 111, and says so', async () => {
    const server = await startBed();
    const alice = await company(server);
    // What it may have been about to rename.
    const left = [`.tmp-${alice.pid(name)}-abc-0`, path.join(BOB, '.tmp-presence')].map((n) => path.join(alice.dir, n));
    for (const file of left) fs.writeFileSync(file, '');
    process.kill(alice.pid(name), 'SIGKILL');
    expect(await alice.ended).toBe(111);
    expect(alice.err()).toBe(`sj: fatal: ${name} was killed by SIGKILL\n`);
    expect(alice.read('state')).toBe(`failed ${name} was killed by SIGKILL\n`);
    expect(presence(alice)).toBe('');
    expect(running(alice)).toEqual([]);
    expect(events(alice.dir).at(-1)).toEqual(['offline', ALICE, `${name} was killed by SIGKILL`]);
    await until(() => server.connections() === 0);
    expect(snapshot(alice.dir)).not.toContain('.lock');
    expect(left.filter((file) => fs.existsSync(file))).toEqual([]);
  });
});

describe('kill -9 of sj', () => {
  it('ends the daemons and empties what they know, and the next start works', async () => {
    const server = await startBed();
    const alice = await company(server);
    process.kill(alice.pid('sj'), 'SIGKILL');
    // xmppc says what happened to its child.
    expect(await alice.ended).toBe(111);
    expect(alice.err()).toContain('was killed by SIGKILL');
    await until(() => running(alice).length === 0);
    expect(presence(alice)).toBe('');
    await until(() => server.connections() === 0);
    expect(alice.read('state')).toBe('failed sj was killed\n');
    expect(events(alice.dir).at(-1)).toEqual(['offline', ALICE, 'sj was killed']);
    const before = events(alice.dir).length;

    const next = await startSuite(server, { dir: alice.dir }).online();
    await next.sh(`echo again > ${BOB}/in`);
    await server.waitFor(({ xml }) => xml.includes('<body>again</body>'));
    expect(next.err()).toBe('');
    expect(events(alice.dir)[before]![0]).toBe('online');
    next.child.kill('SIGTERM');
    expect(await next.ended).toBe(0);
    expect(snapshot(alice.dir)).not.toContain('.lock');
  });

  it('is told in state by messaged, unless another sj is there', async () => {
    const server = await startBed();
    const alice = await company(server);
    process.kill(alice.pid('sj'), 'SIGKILL');
    await until(() => alice.read('state') === 'failed sj was killed\n');
    expect(events(alice.dir).filter(([type]) => type === 'offline')).toEqual([['offline', ALICE, 'sj was killed']]);
    for (let i = 0; i < 3; i++) {
      const next = await startSuite(server, { dir: alice.dir }).online();
      await until(() => running(next).includes('messaged'));
      process.kill(next.pid('sj'), 'SIGKILL');
      await next.ended;
    }
    const last = await startSuite(server, { dir: alice.dir }).online();
    await until(() => running(alice).length === 0);
    expect(last.read('state')).toMatch(/^online /);
    const kills = events(alice.dir).filter(([type, , detail]) => type === 'offline' && detail === 'sj was killed');
    expect(kills).toHaveLength(4);
  });

  it('and of everything: the next start empties what is left', async () => {
    const server = await startBed();
    const alice = await company(server);
    process.kill(-alice.child.pid!, 'SIGKILL');
    expect(await alice.ended).toBe('SIGKILL');
    await until(() => running(alice).length === 0);
    expect(presence(alice)).toBe('away\n');
    expect(alice.read('state')).toBe(`online ${ALICE}/desk\n`);
    // Even if it gets nowhere.
    fs.chmodSync(path.join(alice.dir, 'password'), 0o644);
    const second = startSuite(server, { dir: alice.dir, password: null });
    expect(await second.ended).toBe(100);
    expect([alice.read('state'), presence(alice)]).toEqual(['offline\n', '']);
    fs.chmodSync(path.join(alice.dir, 'password'), 0o600);
    const next = await startSuite(server, { dir: alice.dir }).online();
    expect(next.err()).toBe('');
  });

  it('while a writer holds an `in` open: that daemon ends too', async () => {
    const server = await startBed();
    const alice = await company(server);
    const fd = fs.openSync(path.join(alice.dir, BOB, 'in'), 'w');
    process.kill(alice.pid('sj'), 'SIGKILL');
    await until(() => running(alice).length === 0);
    fs.closeSync(fd);
    expect(await alice.ended).toBe(111);
  });
});

it('a second sj on the directory is refused, and told who has it', async () => {
  const server = await startBed();
  const alice = await company(server);
  const second = startSuite(server, { dir: alice.dir });
  expect(await second.ended).toBe(100);
  expect(second.err()).toBe(`sj: fatal: ${alice.dir} is in use by sj, pid ${alice.pid('sj')}\n`);
  // The first does not notice.
  expect(alice.read('state')).toBe(`online ${ALICE}/desk\n`);
  expect(presence(alice)).toBe('away\n');
  await alice.sh(`echo still > ${BOB}/in`);
  await server.waitFor(({ xml }) => xml.includes('<body>still</body>'));
  alice.child.kill('SIGTERM');
  expect(await alice.ended).toBe(0);
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it.each(['sj', 'the whole group'])('to %s ends the session in order', async (whom) => {
    const server = await startBed();
    const alice = await company(server);
    const before = server.heard().length;
    const start = performance.now();
    process.kill(whom === 'sj' ? alice.pid('sj') : -alice.child.pid!, signal);
    expect([await alice.ended, alice.err()]).toEqual([0, '']);
    expect(performance.now() - start).toBeLessThan(GENEROUS);
    expect(server.heard().slice(before)).toMatch(/<presence type='unavailable'\/>.*<\/stream:stream>$/s);
    expect(alice.read('state')).toBe('offline\n');
    expect(events(alice.dir).at(-1)).toEqual(['offline', ALICE, '']);
    expect(presence(alice)).toBe('');
    expect(running(alice)).toEqual([]);
    expect(snapshot(alice.dir)).not.toContain('.lock');
  });
});

it('what was written just before SIGTERM is sent, and what came is written down', async () => {
  const server = await startBed();
  const alice = await company(server);
  await server.inject(ALICE, `<message from='${BOB}/r' type='chat'><body>came</body></message>`);
  await alice.sh(`echo last > ${BOB}/in; echo "<message to='${BOB}' id='raw'/>" > in`);
  alice.child.kill('SIGTERM');
  expect([await alice.ended, alice.err()]).toEqual([0, '']);
  const sent = server.received().map(({ xml }) => xml);
  expect(sent.filter((xml) => xml.includes('<body>last</body>'))).toHaveLength(1);
  expect(sent.filter((xml) => xml.includes("id='raw'"))).toHaveLength(1);
  expect(untimed(alice.read(BOB, 'out')).split('\n').sort()).toEqual(['', `<${ALICE}> last`, `<${BOB}/r> came`]);
  // The server knows that, and keeps nothing for another time.
  expect([server.offline(ALICE), server.history().at(-1)]).toEqual([[], expect.objectContaining({ waiting: 0 })]);
});

it('SIGTERM ends a session with a server that does not answer', async () => {
  const server = await startBed();
  const alice = await company(server);
  server.freeze(ALICE, 'stalled');
  const start = performance.now();
  alice.child.kill('SIGTERM');
  expect(await alice.ended).toBe(0);
  expect(performance.now() - start).toBeLessThan(GENEROUS);
  expect(running(alice)).toEqual([]);
});

it('SIGTERM ends a session with a daemon that hangs', async () => {
  const hangs = async (name: (typeof DAEMONS)[number]) => {
    const server = await startBed();
    const alice = await company(server);
    process.kill(alice.pid(name), 'SIGSTOP');
    const before = server.heard().length;
    const start = performance.now();
    process.kill(alice.pid('sj'), 'SIGTERM');
    expect([name, await alice.ended]).toEqual([name, 0]);
    expect(performance.now() - start).toBeLessThan(GENEROUS);
    expect(server.heard().slice(before)).toMatch(/<presence type='unavailable'\/>.*<\/stream:stream>$/s);
    expect([alice.read('state'), presence(alice), running(alice)]).toEqual(['offline\n', '', []]);
  };
  await Promise.all(DAEMONS.map(hangs));
});

it.each(['connect', 'auth', 'bind'] as const)('SIGTERM ends a login that hangs: %s', async (silentFrom) => {
  const server = await startBed({ faults: { silentFrom } });
  const alice = startSuite(server);
  await server.until(() => server.silent() === 1);
  await until(() => alice.read('state') === 'connecting\n');
  alice.child.kill('SIGTERM');
  expect([await alice.ended, alice.err()]).toEqual([0, '']);
  expect(alice.read('state')).toBe('offline\n');
  expect(running(alice)).toEqual([]);
});

it('what a shell writes while nobody is there waits, or fails at once', async () => {
  const server = await startBed();
  const alice = await company(server);
  alice.child.kill('SIGTERM');
  await alice.ended;
  // A FIFO without a reader: a shell waits in open(), `presence` and `roster` do not.
  const { status, stderr } = spawnSync('bin/presence', ['-d', alice.dir, '-t', BOB], { encoding: 'utf8' });
  expect(status).toBe(111);
  expect(stderr).toMatch(/^presence: fatal: [^\n]+\n$/);
});
