// That nothing is lost and nothing comes twice where a connection breaks: the next sj on the directory goes on.
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Client, type ClientOptions, connectClient } from '../../loopback/client.ts';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  DOMAIN,
  newAccount,
  PASSWORDS,
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
