/** go-sendxmpp as the other side of a conversation. It knows no mechanism but PLAIN. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { passwordOf } from '../bed/hosts.ts';
import { type Job, startJob } from '../bed/job.ts';
import type { Server } from '../bed/server.ts';
import { until } from '../bed/until.ts';

export type GoListener = {
  /** Waits until it has printed this. */
  see(text: string): Promise<void>;
  stop(): Promise<void>;
};

/** Logs in and prints what it receives, until the test is over. */
export async function goListen(server: Server, user: string): Promise<GoListener> {
  const before = server.log().length;
  const job = await run(server, user, ['-l', '-t', '-j', `127.0.0.1:${server.port.direct}`]);
  onTestFinished(() => job.stop());
  // It says nothing itself when it is there.
  await until(
    'go-sendxmpp to listen',
    () => /<presence[^>]*>|priority/.test(server.log().slice(before)),
    () => job.stderr,
  );
  return {
    see: async (text) => {
      await until(
        `go-sendxmpp to print ${JSON.stringify(text.slice(0, 80))}`,
        () => job.stdout.includes(text),
        () => job.stdout.slice(-2000) + job.stderr,
      );
    },
    stop: () => job.stop(),
  };
}

/** Sends one message, over STARTTLS. */
export async function goSend(server: Server, user: string, to: string, body: string): Promise<void> {
  const file = join(mkdtempSync(join(server.dir, 'message-')), 'body');
  writeFileSync(file, body);
  const job = await run(server, user, ['-j', `localhost:${server.port.starttls}`, '-m', file, to]);
  onTestFinished(() => job.stop());
  const code = await job.end();
  if (code !== 0) throw new Error(`go-sendxmpp: ${code}: ${job.stderr}`);
}

function run(server: Server, user: string, args: string[]): Promise<Job> {
  return startJob(['go-sendxmpp', '-u', `${user}@localhost`, '-p', passwordOf(user), ...args], {
    env: { ...process.env, SSL_CERT_FILE: server.ca, HOME: server.dir },
  });
}
