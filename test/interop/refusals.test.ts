/** Sessions that must not come about, by the server's will or by ours. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import type { Server } from './bed/server.ts';
import { until } from './bed/until.ts';
import { useServer } from './bed/use-server.ts';
import { startSlix } from './peers/slix.ts';
import { type Suite, type SuiteOptions, startSuite, type Way } from './suite.ts';

const ONE_LINE = /^sj: fatal: [^\n]+\n$/;

/** Starts sj, and waits for its end with this code and one line that says why. */
async function refused(server: Server, jid: string, code: number, options: SuiteOptions = {}): Promise<Suite> {
  const suite = await startSuite(server, jid, options);
  expect(await suite.job.end()).toBe(code);
  expect(suite.job.stderr).toMatch(ONE_LINE);
  expect(suite.job.stdout).toBe('');
  expect(suite.read('state')).toMatch(/^failed [^\n]+\n$/);
  return suite;
}

/** The attempts to log in that the server sees meanwhile. What its log holds before and after is made sure of by a witness. */
async function attemptsDuring(server: Server, work: () => Promise<unknown>): Promise<string[]> {
  const before = await witnessed(server);
  await work();
  const after = await witnessed(server);
  return server.attempts().slice(before, after - 1);
}

/** Logs in and out, waits until all of that is in the log, and returns how many attempts are there. */
async function witnessed(server: Server): Promise<number> {
  const mark = `witness-${randomUUID()}`;
  const witness = await startSlix(server, 'carol@sha1.localhost/witness');
  witness.tell({ do: 'presence', status: mark });
  await until('the witness in the log', () => server.log().includes(mark));
  await witness.stop();
  return server.attempts().length;
}

describe.each([prosody, ejabberd])('$name', (kind) => {
  const server = useServer(kind);

  it.each(['localhost', 'sha1.localhost', 'sha256.localhost', 'plain.localhost', 'hashed.localhost'])(
    'refuses a wrong password at %s',
    async (domain) => {
      const attempts = await attemptsDuring(server, () =>
        refused(server, `alice@${domain}`, 77, { password: 'secret-Alice' }),
      );
      expect(attempts.length).toBeGreaterThan(0);
    },
  );

  it('refuses an account that it does not have', async () => {
    await refused(server, 'nobody@localhost', 77);
  });

  it.each(['tcpclient', 'sj -x', 'xmppc', 'xmppc -x'] satisfies Way[])(
    'is refused when its certificate is not good, by way of %s',
    async (way) => {
      const attempts = await attemptsDuring(server, async () => {
        for (const bad of ['wronghost', 'expired', 'selfsigned']) {
          await refused(server, `alice@${bad}.localhost`, 76, { way });
        }
      });
      expect(attempts).toEqual([]);
    },
  );

  it('is refused without STARTTLS', async () => {
    const port = server.port.clear;
    expect(await attemptsDuring(server, () => refused(server, 'alice@clear.localhost', 76, { port }))).toEqual([]);
  });

  it('is refused PLAIN in the clear', async () => {
    const port = server.port.clear;
    expect(
      await attemptsDuring(server, () => refused(server, 'alice@clearplain.localhost', 76, { port, options: ['-I'] })),
    ).toEqual([]);
  });

  it('does not know a domain', async () => {
    expect(await attemptsDuring(server, () => refused(server, 'alice@elsewhere.localhost', 100))).toEqual([]);
  });
});
