// xmppc -k with all that it runs: the account stays online, and front ends do not notice that it was not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Relay, startRelay } from '../interop/bed/relay.ts';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  events,
  group,
  newAccount,
  PASSWORDS,
  type Suite,
  type SuiteOptions,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

const { O_NONBLOCK, O_WRONLY } = fs.constants;

/** Alice, kept online through a relay. */
async function kept(given: SuiteOptions = {}): Promise<{ server: Bed; relay: Relay; alice: Suite }> {
  const server = await startBed();
  const relay = await startRelay(server.port);
  const alice = startSuite(server, { port: relay.port, options: ['-k', '-w', '0.1:0.5'], ...given });
  await alice.online();
  return { server, relay, alice };
}

/** What front ends do: hold a FIFO open for writing, and follow a log. */
function hold(...names: string[]) {
  const fd = fs.openSync(path.join(...names), O_WRONLY | O_NONBLOCK);
  return { say: (text: string) => void fs.writeSync(fd, text), close: () => fs.closeSync(fd) };
}

/** The same where a reader is about to come. */
const holdSoon = (...names: string[]) =>
  until(() => {
    try {
      return hold(...names);
    } catch {
      return null;
    }
  });

function follow(...names: string[]): () => string {
  const child = spawn('tail', ['-n', '+1', '-f', path.join(...names)], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
  });
  return () => seen;
}

/** Opening a FIFO that nobody reads. */
const refused = (...names: string[]) => {
  try {
    hold(...names).close();
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
};

const bodies = (server: Bed) =>
  server
    .received()
    .map(({ xml }) => /<body>(.*)<\/body>/.exec(xml)?.[1])
    .filter((body) => body !== undefined);
const onlines = ({ dir }: Suite) => events(dir).filter(([type]) => type === 'online').length;
const again = (alice: Suite, times: number) =>
  until(() => onlines(alice) === times && alice.read('state').startsWith('online '), alice.err);
const running = (alice: Suite) => group(alice.child.pid!).map(({ name }) => name);

it('front ends hold their files open over a reconnection: all arrives, and once', async () => {
  const { server, relay, alice } = await kept();
  await alice.chat(BOB);
  const line = await holdSoon(alice.dir, BOB, 'in');
  const raw = await holdSoon(alice.dir, 'in');
  const message = (body: string) => `<message to='${BOB}' id='${body}'><body>${body}</body></message>`;
  line.say('one\n');
  raw.say(message('raw one'));
  await alice.see(`${BOB}/out`, '> one\n');
  const out = follow(alice.dir, BOB, 'out');

  for (const round of [2, 3]) {
    await relay.shut();
    await until(() => alice.err().includes(`connection refused; next try in`) && alice.read('state') !== '');
    await until(() => /^(failed|connecting)/.test(alice.read('state')));
    line.say(`held ${round}\n`);
    raw.say(message(`raw ${round}`));
    await alice.sh(`echo "opened $1" > ${BOB}/in`, String(round));
    await relay.open();
    await again(alice, round);
    line.say(`back ${round}\n`);
    await until(() => out().includes(`back ${round}\n`));
  }
  line.close();
  raw.close();
  await until(() => bodies(server).length === 10);
  alice.child.kill('SIGTERM');
  expect(await alice.ended).toBe(0);
  const lines = ['one', 'held 2', 'opened 2', 'back 2', 'held 3', 'opened 3', 'back 3'];
  expect(untimed(out())).toBe(lines.map((text) => `<${ALICE}> ${text}\n`).join(''));
  expect(bodies(server).filter((body) => !body.startsWith('raw'))).toEqual(lines);
  expect(bodies(server).filter((body) => body.startsWith('raw'))).toEqual(['raw one', 'raw 2', 'raw 3']);
});

describe('it is online again after', () => {
  it.each(['sj', 'messaged', 'presenced', 'iqd'] as const)('kill -9 of %s', async (name) => {
    const { server, alice } = await kept();
    await alice.chat(BOB);
    const line = await holdSoon(alice.dir, BOB, 'in');
    // It has its name a moment after its start.
    await until(() => running(alice).includes(name));
    process.kill(alice.pid(name), 'SIGKILL');
    await again(alice, 2);
    const types = events(alice.dir).map(([type]) => type);
    expect(types.filter((type) => type?.endsWith('line'))).toEqual(['online', 'offline', 'online']);
    // Only messaged itself can not be killed without those who write to it noticing.
    if (name !== 'messaged') line.say('held\n');
    await alice.sh(`echo opened > ${BOB}/in`);
    await server.waitFor(({ xml }) => xml.includes('<body>opened</body>'));
    expect(bodies(server)).toEqual(name === 'messaged' ? ['opened'] : ['held', 'opened']);
    line.close();
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
    expect(alice.err()).toContain(`${name} was killed by SIGKILL`);
  });

  it('nobody was there when it started', async () => {
    const server = await startBed();
    const relay = await startRelay(server.port);
    await relay.shut();
    const alice = startSuite(server, { port: relay.port, options: ['-k', '-w', '0.1:0.5'] });
    await until(() => alice.read('state').startsWith('failed cannot connect to example.org: 127.0.0.1:'));
    expect(refused(alice.dir, 'in')).toBe('ENXIO');
    await relay.open();
    await alice.online();
    (await holdSoon(alice.dir, 'in')).close();
  });
});

describe('when it ends', () => {
  it('while it waits, nobody reads any more, and what was written is kept', async () => {
    const { server, relay, alice } = await kept({ options: ['-k', '-w', '3600'] });
    await alice.chat(BOB);
    await relay.shut();
    await until(() => alice.err().includes('next try in'));
    await alice.sh(`echo later > ${BOB}/in`);
    expect(running(alice)).toContain('messaged');
    alice.child.kill('SIGTERM');
    expect([await alice.ended, alice.read('state')]).toEqual([0, 'offline\n']);
    await until(() => running(alice).length === 0);
    expect([refused(alice.dir, 'in'), refused(alice.dir, BOB, 'in')]).toEqual(['ENXIO', 'ENXIO']);
    await relay.open();
    const next = await startSuite(server, { dir: alice.dir }).online();
    await next.see(`${BOB}/out`, '> later\n');
  });

  it('because the server refuses the account: the same, and 77', async () => {
    const { server, relay, alice } = await kept();
    await alice.chat(BOB);
    const line = await holdSoon(alice.dir, BOB, 'in');
    server.account('alice', 'changed');
    relay.cut();
    expect(await alice.ended).toBe(77);
    expect(alice.read('state')).toMatch(/^failed .*\n$/);
    await until(() => running(alice).length === 0);
    expect(refused(alice.dir, BOB, 'in')).toBe('ENXIO');
    expect(() => line.say('too late\n')).toThrow('EPIPE');
    line.close();
  });

  it('by kill -9: sj ends, too, and leaves the session to the next one', async () => {
    const { server, alice } = await kept();
    await alice.chat(BOB);
    const line = await holdSoon(alice.dir, BOB, 'in');
    process.kill(alice.child.pid!, 'SIGKILL');
    // The next one comes at once, as from a supervisor.
    const next = startSuite(server, { dir: alice.dir, options: ['-k'] });
    await next.online();
    expect(contents(alice.dir, 'events')).toContain('who started sj is gone');
    line.say('held\n');
    await next.see(`${BOB}/out`, '> held\n');
    // Shown as soon as nothing but sj has to do with it.
    await until(() => bodies(server).length > 0);
    expect(bodies(server)).toEqual(['held']);
    line.close();
    next.child.kill('SIGTERM');
    expect(await next.ended).toBe(0);
    await until(() => running(alice).length === 0);
  });
});

it('waits for the end of nobody who works on the directory', async () => {
  const server = await startBed();
  const alice = await startSuite(server).online();
  const second = startSuite(server, { dir: alice.dir, options: ['-k'] });
  expect(await second.ended).toBe(100);
  expect(second.err()).toBe(`xmppc: fatal: ${alice.dir} is in use by sj, pid ${alice.pid('sj')}\n`);
  expect(alice.read('state')).toBe(`online ${ALICE}/desk\n`);
});

describe.each([[[]], [['-k']]])('a supervisor is told that the account is online: %j', (options) => {
  it('by a descriptor', async () => {
    const server = await startBed();
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
    const alice = startSuite(server, { options: [...options, '-n', '3'], stdio: [...stdio] });
    const told = alice.child.stdio[3] as NodeJS.ReadableStream;
    const [byte] = await once(told, 'data');
    expect([String(byte), alice.read('state')]).toEqual(['\n', `online ${ALICE}/desk\n`]);
    hold(alice.dir, 'in').close();
    await once(told, 'end');
    expect(alice.child.exitCode).toBe(null);
  });
});

it('reads the password from stdin once, for all sessions', async () => {
  const server = await startBed();
  const dir = newAccount();
  const alice = startSuite(server, { dir, password: null, options: ['-k', '-w', '0.1:0.5'] });
  alice.child.stdin!.write(`${PASSWORDS.alice}\n`);
  await again(alice, 1);
  server.kill(ALICE);
  await again(alice, 2);
  alice.child.kill('SIGTERM');
  expect(await alice.ended).toBe(0);
});
