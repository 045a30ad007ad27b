/** How a session ends, and what comes after. */
import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { startRelay } from './bed/relay.ts';
import type { Server } from './bed/server.ts';
import { useServer } from './bed/use-server.ts';
import { type Slix, startSlix } from './peers/slix.ts';
import { type Suite, type SuiteOptions, startSuite } from './suite.ts';

const ALICE = 'alice@localhost';
const BOB = 'bob@localhost';
const WITHIN_MS = 2000;

/** alice and bob, each of whom sees the other. */
async function company(server: Server, options: SuiteOptions = {}): Promise<{ alice: Suite; bob: Slix }> {
  const alice = await (await startSuite(server, ALICE, options)).online();
  const bob = await startSlix(server, `${BOB}/slix`);
  await alice.chat(BOB);
  await alice.sh('echo "<presence to=\'$1\'/>" > in', bob.jid);
  await bob.see('presence', (p) => p.from === alice.full && p.type === '');
  bob.tell({ do: 'presence', to: alice.full, show: 'away' });
  await alice.see(`${BOB}/presence`, 'away');
  return { alice, bob };
}

/** Everything that a session which was lost leaves behind. */
async function lost(alice: Suite, code = 111): Promise<void> {
  expect(await alice.job.end()).toBe(code);
  expect(alice.complaints()).toMatch(/^sj: fatal: [^\n]+\n$/);
  expect(alice.read('state')).toMatch(/^failed [^\n]+\n$/);
  expect(alice.read(`${BOB}/presence`)).toMatch(/^\n?$/);
}

/** The next sj on the same directory carries on where the last one ended. */
async function carriesOn(server: Server, { dir }: Suite): Promise<void> {
  const alice = await (await startSuite(server, ALICE, { dir })).online();
  const bob = await startSlix(server, `${BOB}/later`);
  const before = alice.read(`${BOB}/out`);
  await alice.chat(BOB);
  await alice.say(BOB, 'here again');
  await bob.see('message', (m) => m.body === 'here again');
  bob.tell({ do: 'message', to: alice.full, body: 'me too' });
  const out = await alice.see(`${BOB}/out`, 'me too\n');
  expect(out.startsWith(before)).toBe(true);
  expect(await alice.stop()).toBe(0);
}

describe.each([prosody, ejabberd])('$name', (kind) => {
  const server = useServer(kind);

  it.each(['SIGTERM', 'SIGINT'] as const)('hears of the end by %s', async (signal) => {
    const { alice, bob } = await company(server);
    const start = performance.now();
    process.kill(alice.pid(), signal);
    expect(await alice.job.end()).toBe(0);
    expect(performance.now() - start).toBeLessThan(WITHIN_MS);
    await bob.see('presence', (p) => p.from === alice.full && p.type === 'unavailable');
    expect(alice.read('state')).toBe('offline\n');
    expect(alice.read(`${BOB}/presence`)).toMatch(/^\n?$/);
    expect(alice.complaints()).toBe('');
    expect(alice.job.members('messaged').concat(alice.job.members('presenced'), alice.job.members('iqd'))).toEqual([]);
  });

  it('throws the client out', async () => {
    const { alice } = await company(server);
    await server.kick(alice.full);
    // ejabberd says `conflict` to those whom an administrator throws out.
    await lost(alice, server.name === 'ejabberd' ? 77 : 111);
    await carriesOn(server, alice);
  });

  it('gives the resource to another client', async () => {
    const { alice } = await company(server);
    await startSlix(server, alice.full);
    await lost(alice, 77);
  });

  it('restarts', async () => {
    const { alice, bob } = await company(server);
    await server.stop();
    await lost(alice);
    await bob.stop();
    await server.start();
    await carriesOn(server, alice);
  });

  it('is killed', async () => {
    const { alice, bob } = await company(server);
    await server.stop('SIGKILL');
    await lost(alice);
    await bob.stop();
    await server.start();
    await carriesOn(server, alice);
  });

  it('is cut off', async () => {
    const relay = await startRelay(server.port.starttls);
    const { alice } = await company(server, { port: relay.port });
    relay.cut();
    await lost(alice);
    await carriesOn(server, alice);
  });

  it('falls silent', async () => {
    const relay = await startRelay(server.port.starttls);
    const { alice } = await company(server, { port: relay.port, options: ['-t', '3'] });
    relay.hold();
    await lost(alice);
  });
});
