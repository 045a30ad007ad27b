// That a dead connection is found to be dead, and that what it has not taken is not lost.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ALICE, type Bed, BOB, contents, type Suite, startBed, startSuite, until } from './bed/suite.ts';

const rss = (pid: number) => Number(/^VmRSS:\s+(\d+)/m.exec(contents('/proc', String(pid), 'status'))![1]);

/** Writes raw stanzas of so many bytes into `in`, as long as they are taken; their ids count them. */
function feed(alice: Suite, size: number) {
  const fd = fs.openSync(path.join(alice.dir, 'in'), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  const filler = 'x'.repeat(Math.max(0, size - 90));
  let count = 0;
  let rest = Buffer.alloc(0);
  let enough = false;
  return {
    get count() {
      return count;
    },
    /** Writes what goes in now. @returns whether anything did */
    write(): boolean {
      let some = false;
      try {
        for (;;) {
          if (rest.length === 0) {
            if (enough) return some;
            rest = Buffer.from(`<message to='${BOB}' id='f${count}'><body>${filler}</body></message>\n`);
            count++;
          }
          rest = rest.subarray(fs.writeSync(fd, rest));
          some = true;
        }
      } catch {
        return some;
      }
    },
    /** Only what has begun is still written; resolves when it is. */
    async end(): Promise<void> {
      enough = true;
      await until(() => {
        this.write();
        return rest.length === 0;
      });
      fs.closeSync(fd);
    },
  };
}

/** Feeds until nothing has been taken for so many looks. */
async function fill(stanzas: ReturnType<typeof feed>): Promise<void> {
  let idle = 0;
  await until(() => {
    idle = stanzas.write() ? 0 : idle + 1;
    return idle > 100;
  });
}

/** The fed stanzas that the server has got, in their order. */
const got = (server: Bed) =>
  server
    .received()
    .flatMap(({ stanza }) => (/^f\d+$/.test(stanza.attrs.id ?? '') ? Number(stanza.attrs.id!.slice(1)) : []));

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

it.each(['deaf', 'stalled'] as const)('a server that is %s while `in` is fed', async (how) => {
  const server = await startBed({ keep: 100_000 });
  const alice = await startSuite(server, { options: ['-t', '4'] }).online();
  await server.online(ALICE);
  server.freeze(ALICE, how);
  const stanzas = feed(alice, 4000);
  let ended = false;
  void alice.ended.then(() => {
    ended = true;
  });
  // Its buffers, ours, and the kernel's are full some time, or not: it is found dead all the same.
  await until(() => {
    stanzas.write();
    return ended;
  });
  expect([await alice.ended, alice.err()]).toEqual([111, 'sj: fatal: no answer from the server for 4 seconds\n']);
  const next = await startSuite(server, { dir: alice.dir }).online();
  await stanzas.end();
  await until(
    () => got(server).at(-1) === stanzas.count - 1,
    () => `${got(server).length} of ${stanzas.count}`,
  );
  expect(got(server)).toEqual(upTo(stanzas.count));
  expect(next.err()).toBe('');
});

it('SIGHUP: the server has to answer soon, whatever -t says', async () => {
  const server = await startBed();
  const alice = await startSuite(server, { options: ['-t', '3000'] }).online();
  await server.online(ALICE);
  const pings = () => server.received().filter(({ xml }) => xml.includes('urn:xmpp:ping')).length;
  process.kill(alice.pid('sj'), 'SIGHUP');
  await until(() => pings() === 1);
  // It has.
  process.kill(alice.pid('sj'), 'SIGHUP');
  await until(() => pings() === 2);
  server.freeze(ALICE, 'deaf');
  process.kill(alice.pid('sj'), 'SIGHUP');
  expect(await alice.ended).toBe(111);
  expect(alice.err()).toMatch(/^sj: fatal: no answer from the server for \d+ seconds\n$/);
});

it.each([
  ['5000 stanzas', 120, 5000, 5700],
  ['8 MiB', 4000, 2098, 2140],
])('a server that acknowledges nothing: no more than %s are sent', async (_, size, least, most) => {
  const server = await startBed({ keep: 100_000, faults: { sm: { neverAcknowledge: true } } });
  const alice = await startSuite(server).online();
  await server.online(ALICE);
  const sj = alice.pid('sj');
  const stanzas = feed(alice, size);
  await fill(stanzas);
  const sent = got(server).length;
  expect(sent).toBeGreaterThanOrEqual(least - 20);
  expect(sent).toBeLessThanOrEqual(most);
  expect(rss(sj)).toBeLessThan(128 * 1024);
  // What comes is still taken, and the session is there.
  await server.inject(ALICE, `<message from='${BOB}/r' type='chat'><body>hears</body></message>`);
  await alice.see(`${BOB}/out`, 'hears');
  server.kill(ALICE);
  expect(await alice.ended).toBe(111);
  server.faults.sm = {};
  await startSuite(server, { dir: alice.dir }).online();
  await stanzas.end();
  await until(
    () => got(server).at(-1) === stanzas.count - 1,
    () => `${got(server).length} of ${stanzas.count}`,
  );
  expect(got(server)).toEqual(upTo(stanzas.count));
});
