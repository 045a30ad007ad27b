// That nothing is lost and nothing comes twice where a connection breaks: the next sj on the directory goes on.
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sealLines } from '../../lib/store/seal.ts';
import { type Client, type ClientOptions, connectClient } from '../../loopback/client.ts';
import type { ManagementFaults } from '../../loopback/faults.ts';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  DOMAIN,
  events,
  newAccount,
  PASSWORDS,
  type Suite,
  sh,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

/** How many cuts there are each way, and where they are. */
const ROUNDS = Number(process.env.SJ_CUTS ?? 8);
const SEED = Number(process.env.SJ_SEED ?? 1);

/** Bob, on a client that sees every stanza. */
async function peer(server: Bed, options: Partial<ClientOptions> = {}): Promise<Client> {
  const bob = await connectClient({
    port: server.port,
    ca: server.ca,
    domain: DOMAIN,
    user: 'bob',
    password: PASSWORDS.bob,
    resource: 'r',
    ...options,
  });
  onTestFinished(bob.destroy);
  return bob;
}

const bodies = (bob: Client) => bob.received().flatMap(({ xml }) => /<body>([^<]*)<\/body>/.exec(xml)?.[1] ?? []);
const chat = (body: string) => `<message to='${ALICE}' type='chat' id='${body}'><body>${body}</body></message>`;

/** Writes a line as a shell does, if there is anybody who reads it. */
function say(dir: string, jid: string, line: string): boolean {
  try {
    const fd = fs.openSync(path.join(dir, jid, 'in'), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
    try {
      return fs.writeSync(fd, `${line}\n`) > 0;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return false;
  }
}

/** The texts in `out` from somebody. */
const shown = (dir: string, who: string) =>
  untimed(contents(dir, BOB, 'out'))
    .split('\n')
    .flatMap((line) => (line.startsWith(`<${who}> `) ? line.slice(who.length + 3) : []));

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each(['bytes sent', 'bytes received'] as const)(`cuts after so many %s (seed ${SEED})`, (at) => {
  it('lose nothing, and nothing comes twice', async () => {
    const next = random(SEED);
    const server = await startBed({ keep: 100_000 });
    const bob = await peer(server);
    const dir = newAccount();
    fs.mkdirSync(path.join(dir, BOB));
    let said = 0;
    let told = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const how = next() < 0.5 ? 'reset' : 'close';
      server.faults.cut = { at, count: 1 + Math.floor(next() * 5000), of: ALICE, how };
      const alice = startSuite(server, { dir });
      while (server.faults.cut !== undefined) {
        if (say(dir, BOB, `out-${said}`)) said++;
        bob.send(chat(`in-${told++}`));
        await until(() => server.faults.cut === undefined || shown(dir, `${BOB}/r`).includes(`in-${told - 1}`));
      }
      expect([round, await alice.ended]).toEqual([round, 111]);
    }
    const alice = await startSuite(server, { dir }).online();
    const numbers = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i}`);
    const last = [`out-${said - 1}`, `out-${said - 1}`, `in-${told - 1}`];
    const now = () => [bodies(bob).at(-1), shown(dir, ALICE).at(-1), shown(dir, `${BOB}/r`).at(-1)];
    await until(
      () => isDeepStrictEqual(now(), last),
      () => `${now()}, not ${last}`,
    );
    expect(bodies(bob)).toEqual(numbers('out', said));
    expect(shown(dir, ALICE)).toEqual(numbers('out', said));
    expect(shown(dir, `${BOB}/r`)).toEqual(numbers('in', told));
    expect(server.history().filter(({ what }) => what === 'resumed').length).toBeGreaterThan(0);
    alice.child.kill('SIGTERM');
    expect([await alice.ended, alice.err()]).toEqual([0, '']);
  }, 600_000);
});

/** Alice online with a contact, and all that was sent until then acknowledged both ways. */
async function settled(server: Bed, dir = newAccount()): Promise<{ alice: Suite; bob: Client }> {
  const bob = await peer(server);
  fs.mkdirSync(path.join(dir, BOB), { recursive: true });
  const alice = await startSuite(server, { dir }).online();
  await server.online(ALICE);
  await until(() => say(dir, BOB, 'zero'));
  await bob.waitFor(({ xml }) => xml.includes('zero'));
  await alice.see(`${BOB}/out`, 'zero');
  return { alice, bob };
}

const refused = (server: Bed) => server.history().filter(({ what }) => what === 'refused');
const times = (bob: Client, body: string) => bodies(bob).filter((text) => text === body).length;
const idsOf = (bob: Client, body: string) =>
  bob.received().flatMap(({ stanza, xml }) => (xml.includes(`<body>${body}</body>`) ? stanza.attrs.id : []));

/** A message of alice's is handled by the server or not, but she does not hear of that. */
async function cutAt(server: Bed, { alice }: { alice: Suite }, line: string, half: boolean): Promise<void> {
  server.faults.cut = { at: 'received', count: 1, of: ALICE, half };
  await until(() => server.faults.cut === undefined || say(alice.dir, BOB, line));
  expect(await alice.ended).toBe(111);
}

describe('a session that cannot be resumed', () => {
  it.each([
    ['it tells what had arrived, and that had', false, {}, 1],
    ['it tells what had arrived, and that had not', true, {}, 1],
    ['it does not tell what had arrived, and that had', false, { failedWithoutCount: true }, 2],
    ['it does not tell what had arrived, and that had not', true, { failedWithoutCount: true }, 1],
  ])('is refused; %s', async (_, half, faults, copies) => {
    const server = await startBed();
    const { alice, bob } = await settled(server);
    await cutAt(server, { alice }, 'one', half);
    server.faults.sm = { resumeError: 'item-not-found', ...faults };
    const next = await startSuite(server, { dir: alice.dir }).online();
    expect(refused(server)).toHaveLength(1);
    await until(() => say(alice.dir, BOB, 'two'));
    await bob.waitFor(({ xml }) => xml.includes('>two<'));
    // Twice is no more than it has to be, and known by its id.
    expect(times(bob, 'one')).toBe(copies);
    expect(new Set(idsOf(bob, 'one')).size).toBe(1);
    await until(() => isDeepStrictEqual(shown(alice.dir, ALICE), ['zero', 'one', 'two']));
    expect(next.err()).toBe('');
  });

  it.each(['proper', 'crash'] as const)('is forgotten by the server: %s', async (how) => {
    const server = await startBed();
    const { alice, bob } = await settled(server);
    await cutAt(server, { alice }, 'one', true);
    server.restart(how);
    await bob.ended;
    const again = await peer(server);
    await startSuite(server, { dir: alice.dir }).online();
    await again.waitFor(({ xml }) => xml.includes('>one<'));
    expect([times(bob, 'one'), times(again, 'one')]).toEqual([0, 1]);
  });

  it('leaves presence and iq unsaid, and whoever asked gets an answer', async () => {
    const server = await startBed();
    const { alice, bob } = await settled(server);
    // Nothing that she says is handled any more.
    server.freeze(ALICE, 'deaf');
    await alice.sh(
      'mkfifo q2; for s in "$@"; do echo "$s" > in; done',
      `<iq type='get' id='q1' to='${BOB}/r'><query xmlns='urn:x-test'/></iq>`,
      `<iq type='get' id='q2' to='${DOMAIN}'><query xmlns='urn:x-test'/></iq>`,
      `<iq type='set' id='sent' to='${BOB}/r'><query xmlns='urn:x-test'/></iq>`,
      `<presence to='${BOB}/r' id='gone'/>`,
      `<message to='${BOB}/r' id='kept'><body>kept</body></message>`,
    );
    await until(() => alice.read('.queue').includes("id='kept'"));
    server.kill(ALICE);
    expect(await alice.ended).toBe(111);
    server.faults.sm = { resumeError: 'item-not-found' };
    const reader = sh(alice.dir, 'cat q2');
    const next = await startSuite(server, { dir: alice.dir }).online();
    await bob.waitFor(({ stanza }) => stanza.attrs.id === 'kept');
    expect(await next.see('q1', '\n')).toMatch(
      new RegExp(
        `^<iq type='error' id='q1' from='${BOB}/r'><error type='wait'><remote-server-timeout xmlns='[^']*'/></error></iq>\n$`,
      ),
    );
    expect(await reader).toContain('<remote-server-timeout ');
    await next.see('sent', '<remote-server-timeout ');
    expect(bob.received().filter(({ stanza }) => /^(q1|sent|gone)$/.test(stanza.attrs.id ?? ''))).toEqual([]);
    expect(server.received().filter(({ stanza }) => /^(q1|q2|sent|gone)$/.test(stanza.attrs.id ?? ''))).toEqual([]);
  });

  it('leaves what was said in a room too long ago unsaid, and shows that', async () => {
    const server = await startBed();
    const { alice, bob } = await settled(server);
    server.freeze(ALICE, 'deaf');
    for (const id of ['old', 'new'])
      await alice.sh('echo "$1" > in', `<message to='${BOB}' type='groupchat' id='${id}'><body>${id}</body></message>`);
    await until(() => alice.read('.queue').includes("id='new'"));
    server.kill(ALICE);
    expect(await alice.ended).toBe(111);
    // A minute and more has gone by.
    const queue = alice.read('.queue');
    const aged = queue.replace(/^[0-9a-f]{8} out (\d+)( [^\n]*id='old'.*)/m, (_, time, stanza) =>
      sealLines(`out ${time - 61_000}${stanza}\n`)
        .toString()
        .trimEnd(),
    );
    expect(aged).not.toBe(queue);
    fs.writeFileSync(path.join(alice.dir, '.queue'), aged);
    server.faults.sm = { resumeError: 'item-not-found' };
    await startSuite(server, { dir: alice.dir }).online();
    await server.waitFor(({ stanza }) => stanza.attrs.id === 'new');
    await until(() => /-!- not delivered \(remote-server-timeout\): [^\n]+\n/.test(alice.read(BOB, 'out')));
    expect(events(alice.dir)).toContainEqual(['error', BOB, expect.stringContaining('remote-server-timeout')]);
    expect(server.received().filter(({ stanza }) => stanza.attrs.id === 'old')).toEqual([]);
    expect(bob.received().filter(({ stanza }) => stanza.attrs.id === 'old')).toEqual([]);
  });

  it('was never to be: stream management is refused, or knows no resumption', async () => {
    const without = async (sm: ManagementFaults, again: number) => {
      const server = await startBed({ faults: { sm } });
      const { alice, bob } = await settled(server);
      await cutAt(server, { alice }, 'one', true);
      await startSuite(server, { dir: alice.dir }).online();
      await until(() => say(alice.dir, BOB, 'two'));
      await bob.waitFor(({ xml }) => xml.includes('>two<'));
      expect([sm, times(bob, 'one')]).toEqual([sm, again]);
      expect(server.history().filter(({ what }) => what === 'resumed' || what === 'refused')).toEqual([]);
    };
    // Without it nobody knows what has arrived; with it that is known at least when it has.
    await Promise.all([
      without({ enableError: 'internal-server-error' }, 0),
      without({ none: true }, 0),
      without({ noResume: true }, 1),
    ]);
  });
});

it('what the server sends before it manages the stream is not lost, and what comes after it neither', async () => {
  const early = `<message xmlns='jabber:client' from='${BOB}/r' to='${ALICE}' type='chat'><body>early</body></message>`;
  const server = await startBed({ faults: { afterBind: early } });
  const { alice, bob } = await settled(server);
  bob.send(chat('late'));
  await until(() => shown(alice.dir, `${BOB}/r`).length === 2);
  process.kill(-alice.child.pid!, 'SIGKILL');
  await alice.ended;
  const next = await startSuite(server, { dir: alice.dir }).online();
  bob.send(chat('later'));
  await next.see(`${BOB}/out`, 'later');
  expect(shown(alice.dir, `${BOB}/r`)).toEqual(['early', 'late', 'later']);
});

it('counters go round at 2^32', async () => {
  const server = await startBed();
  const { alice, bob } = await settled(server);
  await server.until(() => server.sessions().find(({ jid }) => jid.startsWith(ALICE))?.managed?.waiting === 0);
  process.kill(-alice.child.pid!, 'SIGKILL');
  await alice.ended;
  await server.until(() => server.sessions().find(({ jid }) => jid.startsWith(ALICE))?.managed?.hibernating);
  // Both sides are made to think that many have gone before.
  const nearly = 2 ** 32 - 2;
  const queue = alice.read('.queue');
  const numbers = [...queue.matchAll(/^[0-9a-f]{8} in \d+ (.*)$/gm)].at(-1)![1];
  const { account, jid, id, name } = JSON.parse(/^[0-9a-f]{8} session (.*)$/m.exec(queue)![1]!);
  const session = JSON.stringify({ account, id, jid, name });
  fs.writeFileSync(path.join(alice.dir, '.queue'), `session ${session}\nbase ${nearly}\nin ${nearly} ${numbers}\n`);
  server.count(ALICE, { received: nearly, sent: nearly });
  let dir = alice.dir;
  for (let round = 0; round < 3; round++) {
    const next = await startSuite(server, { dir }).online();
    dir = next.dir;
    for (const i of [0, 1, 2]) {
      bob.send(chat(`in-${round}-${i}`));
      await until(() => say(dir, BOB, `out-${round}-${i}`));
    }
    await bob.waitFor(({ xml }) => xml.includes(`out-${round}-2`));
    await next.see(`${BOB}/out`, `in-${round}-2`);
    server.kill(ALICE);
    expect(await next.ended).toBe(111);
  }
  const all = (name: string) => [0, 1, 2].flatMap((round) => [0, 1, 2].map((i) => `${name}-${round}-${i}`));
  expect(bodies(bob)).toEqual(['zero', ...all('out')]);
  expect(shown(dir, `${BOB}/r`)).toEqual(all('in'));
  expect(server.history().filter(({ what }) => what === 'resumed')).toHaveLength(3);
});

it.each(['while the session lasts', 'when it is resumed'])(
  'a count that cannot be is told to the server %s',
  async (when) => {
    const server = await startBed();
    const { alice, bob } = await settled(server);
    let last = alice;
    if (when === 'when it is resumed') {
      server.kill(ALICE);
      await alice.ended;
      server.faults.sm = { count: (h) => h + 5 };
      last = startSuite(server, { dir: alice.dir });
    } else {
      server.faults.sm = { count: (h) => h + 5 };
      await until(() => say(alice.dir, BOB, 'one'));
    }
    expect(await last.ended).toBe(76);
    expect(last.err()).toMatch(/^sj: fatal: the server acknowledges \d+ stanzas, more than it was sent\n$/);
    await until(() => server.connections() === 1);
    expect(server.heard()).toMatch(
      /<stream:error><undefined-condition [^>]*\/><handled-count-too-high xmlns='urn:xmpp:sm:3' h='\d+' send-count='\d+'\/><\/stream:error><\/stream:stream>$/,
    );
    // A session that was closed like that is none any more, and the next one loses nothing.
    server.faults.sm = {};
    await startSuite(server, { dir: alice.dir }).online();
    await until(() => say(alice.dir, BOB, 'two'));
    await bob.waitFor(({ xml }) => xml.includes('>two<'));
  },
);
