/** A machine that slept: to its programs, the clock on the wall has jumped, as faketime(1) makes it. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ALICE, scratch, startBed, startSuite, until } from '../e2e/bed/suite.ts';

function library(): string {
  for (const name of fs.readdirSync('/usr/lib')) {
    const file = path.join('/usr/lib', name, 'faketime', 'libfaketimeMT.so.1');
    if (fs.existsSync(file)) return file;
  }
  throw new Error('this test needs the Debian package faketime');
}

it('sj asks whether the server is still there, and does not wait long for an answer', async () => {
  const clock = path.join(scratch(), 'clock');
  fs.writeFileSync(clock, '+0\n');
  const server = await startBed();
  const alice = await startSuite(server, {
    // By itself it would ask after five minutes of silence, and give up after ten.
    options: ['-t', '600'],
    env: {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  }).online();
  const pings = () => server.heard().split('urn:xmpp:ping').length - 1;
  expect(pings()).toBe(0);
  fs.writeFileSync(clock, '+8h\n');
  await until(() => pings() === 1);
  expect(alice.read('state')).toMatch(/^online /);

  server.freeze(`${ALICE}/desk`, 'deaf');
  fs.writeFileSync(clock, '+16h\n');
  expect(await alice.ended).toBe(111);
  expect(alice.err()).toMatch(/^sj: fatal: no answer from the server/m);
});
