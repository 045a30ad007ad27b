/** Staying online with real servers: the session is resumed each time, and nobody notices. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { startRelay } from './bed/relay.ts';
import { until } from './bed/until.ts';
import { useServer } from './bed/use-server.ts';
import { startSlix } from './peers/slix.ts';
import { startSuite } from './suite.ts';

const ALICE = 'alice@localhost';
const BOB = 'bob@localhost';

const count = (text: string, what: string) => text.split(what).length - 1;

describe.each([prosody, ejabberd])('on $name', (kind) => {
  const server = useServer(kind);

  it('a session survives the loss of its connection, and of sj', async () => {
    const relay = await startRelay(server.port.starttls);
    const alice = await startSuite(server, ALICE, { way: 'xmppc -k', port: relay.port });
    await alice.online();
    const bob = await startSlix(server, `${BOB}/slix`);
    await alice.chat(BOB);
    await alice.say(BOB, 'first');
    const line = openSync(join(alice.dir, BOB, 'in'), 'w');
    const said = ['first'];
    const heard: string[] = [];
    for (const round of [1, 2, 3]) {
      if (round === 2) process.kill(alice.pid(), 'SIGKILL');
      else await relay.shut();
      bob.tell({ do: 'message', to: alice.full, body: `to alice ${round}` });
      heard.push(`to alice ${round}`);
      writeSync(line, `to bob ${round}\n`);
      said.push(`to bob ${round}`);
      if (round !== 2) await relay.open();
      await until(`session ${round + 1}`, () => count(alice.read('events'), '\tonline\t') === round + 1);
      await alice.see(`${BOB}/out`, `> to alice ${round}\n`);
      await alice.see(`${BOB}/out`, `> to bob ${round}\n`);
      await bob.see('message', (m) => m.body === `to bob ${round}`);
    }
    closeSync(line);
    await until('the log', () => count(server.log(), '<resumed ') >= 3);
    const out = alice.read(`${BOB}/out`);
    for (const text of [...said, ...heard]) expect(count(out, `> ${text}\n`), text).toBe(1);
    expect(bob.all('message').map((m) => m.body)).toEqual(said);
    alice.job.signal('SIGTERM');
    expect([await alice.job.end(), alice.read('state')]).toEqual([0, 'offline\n']);
  });
});
