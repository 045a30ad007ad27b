import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startJob, until } from './job.ts';
import { makePlace } from './place.ts';
import { serve } from './server.ts';

/** An account directory as it is when everything on it is killed in the middle of its work. */
export async function recordAccount(corpus: string): Promise<void> {
  const place = makePlace();
  const { dir } = place;
  fs.writeFileSync(path.join(dir, 'password'), 'secret-alice\n', { mode: 0o600 });
  fs.writeFileSync(path.join(dir, 'mypresence'), 'away at lunch\n');
  fs.mkdirSync(path.join(dir, 'bob@example.org'), { mode: 0o700 });
  fs.writeFileSync(path.join(dir, 'bob@example.org', 'mypresence'), 'dnd\n');
  const argv = ['sj', '-I', '-I', '-u', 'alice', '-s', 'example.org', '-r', 'desk', '-d', dir];
  const job = startJob(place, argv, {
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const server = serve(job.stream(7), job.stream(6), true);
  await until(() => server.online);
  for (const stanza of [
    "<presence from='bob@example.org/x'><show>dnd</show><status>busy</status></presence>",
    "<message from='bob@example.org/x' id='1' type='chat'><body>one</body></message>",
    "<message from='room@muc.example.org/n' id='2' type='groupchat'><body>two\nlines</body></message>",
    `<message from='${'x'.repeat(250)}@x.example/r' id='3'><body>three</body></message>`,
    "<iq type='set' id='p1'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='both'/></query></iq>",
  ])
    server.say(stanza);
  const fifo = path.join(dir, 'bob@example.org', 'in');
  await until(() => fs.existsSync(path.join(dir, 'room@muc.example.org', 'in')) && fs.existsSync(fifo));
  fs.writeFileSync(fifo, 'four\nfive\n');
  fs.writeFileSync(path.join(dir, 'in'), "<iq type='get' id='q1' to='bob@example.org/x'><q xmlns='x'/></iq>");
  await until(() => server.messages.length === 2);
  await pause(300);
  job.kill();
  await job.end();
  const files: Record<string, string | null> = {};
  for (const name of fs.readdirSync(dir, { recursive: true }) as string[]) {
    const stat = fs.statSync(path.join(dir, name));
    if (stat.isFile()) files[name] = fs.readFileSync(path.join(dir, name), 'latin1');
    else if (stat.isDirectory()) files[name] = null;
  }
  fs.writeFileSync(path.join(corpus, 'account.json'), `${JSON.stringify(files, null, 1)}\n`);
  place.remove();
}
