// xmppc as people run it: on a terminal, which they leave by ^C or by closing it.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ALICE, type Bed, contents, events, newAccount, PASSWORDS, startBed, until } from './bed/suite.ts';
import { onTerminal, type Terminal } from './bed/terminal.ts';

const KINDS = [[[]], [['-k']]] as const;
const INTR = '\x03';
const CODE = 'trap : INT; "$@"; echo "code $?"';

/** Runs xmppc by a script, which has it as "$@". */
function xmppc(bed: Bed, script: string, options: readonly string[], password = true): Terminal & { dir: string } {
  const dir = newAccount();
  if (password) fs.writeFileSync(path.join(dir, 'password'), `${PASSWORDS.alice}\n`, { mode: 0o600 });
  const argv = ['xmppc', ...options, '-H', `127.0.0.1:${bed.port}`, '-c', bed.caFile, '-d', dir, '-r', 'desk', ALICE];
  onTestFinished(() => endAll(dir));
  return { ...onTerminal(script, argv), dir };
}

/** Ends what outlives its terminal. */
function endAll(dir: string): void {
  for (const lock of ['.xmppc', '.lock']) {
    const pid = Number(/^\d+/.exec(contents(dir, lock))?.[0]);
    if (pid > 0)
      try {
        process.kill(pid, 'SIGKILL');
      } catch {}
  }
}

const isOnline = (job: { dir: string }) => contents(job.dir, 'state').startsWith('online ');
const wasOnline = (job: { dir: string }) => events(job.dir).some(([type]) => type === 'offline');

it.each(KINDS)('xmppc %j says once that the account is online, and ends at ^C without a complaint', async (options) => {
  const job = xmppc(await startBed(), CODE, options);
  await until(() => job.out().includes(`xmppc: online as ${ALICE}`), job.out);
  job.type(INTR);
  expect(await job.ended).toBe(0);
  expect(job.out().replace(/\^C/g, '').trim().split(/\s*\n/)).toEqual([`xmppc: online as ${ALICE}`, 'code 0']);
});

it.each(KINDS)('xmppc %j ends at ^C in the password prompt as by SIGINT, without a complaint', async (options) => {
  const job = xmppc(await startBed(), CODE, options, false);
  await until(() => job.out().includes(`password for ${ALICE}: `), job.out);
  job.type(INTR);
  expect(await job.ended).toBe(0);
  expect(job.out().trim().split(/\s*\n/)).toEqual([`password for ${ALICE}:`, 'code 130']);
});

it.each(KINDS)('xmppc %j ends in order when its terminal is closed', async (options) => {
  const bed = await startBed();
  const job = xmppc(bed, 'exec "$@"', options);
  await until(() => isOnline(job), job.out);
  job.close();
  await until(() => contents(job.dir, 'state') === 'offline\n');
  expect(events(job.dir).map(([type, , why]) => [type, why])).toEqual([
    ['online', `${ALICE}/desk`],
    ['offline', ''],
  ]);
  expect(bed.heard()).toContain("<presence type='unavailable'/>");
});

it('xmppc -k under nohup stays when its terminal is closed', async () => {
  const bed = await startBed();
  const job = xmppc(bed, 'exec nohup "$@" > /dev/null 2>&1 < /dev/null', ['-k']);
  await until(() => isOnline(job), job.out);
  const pings = () => bed.heard().split('urn:xmpp:ping').length;
  const before = pings();
  job.close();
  // It takes the signal for news of the network, and asks whether the server is there.
  await until(() => pings() > before);
  expect(wasOnline(job)).toBe(false);
});
