// Between two connections, and two processes: what must not fall into the gap.
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ALICE, BIN, BOB, group, scratch, startBed, startSuite, until, untimed } from './bed/suite.ts';

const holding = (...names: string[]) => {
  const fd = fs.openSync(path.join(...names), 'w');
  return { say: (text: string) => void fs.writeSync(fd, text), close: () => fs.closeSync(fd) };
};

it('what is written while messaged waits for its successor is sent by that, in order', async () => {
  const server = await startBed();
  const env = { SJ_LINGER: '60' };
  const first = await startSuite(server, { env }).online();
  await first.chat(BOB);
  const writer = holding(first.dir, BOB, 'in');
  writer.say('one\n');
  await first.see(`${BOB}/out`, '> one\n');
  server.kill(ALICE);
  await once(first.child, 'exit');
  expect(first.child.exitCode).toBe(111);
  expect(group(first.child.pid!).map(({ name }) => name)).toEqual(['messaged']);
  writer.say('two\n');
  await first.sh(`echo three > ${BOB}/in`);

  const second = await startSuite(server, { env, dir: first.dir }).online();
  await second.see(`${BOB}/out`, '> three\n');
  writer.say('four\n');
  const out = await second.see(`${BOB}/out`, '> four\n');
  expect(untimed(out)).toBe(['one', 'two', 'three', 'four'].map((text) => `<${ALICE}> ${text}\n`).join(''));
  await until(() => group(first.child.pid!).length === 0);
  writer.close();
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
  expect([first.err().split('\n').length, second.err()]).toEqual([2, '']);
  const bodies = server.received().map(({ xml }) => /<body>(.*)<\/body>/.exec(xml)?.[1]);
  expect(bodies.filter((body) => body !== undefined)).toEqual(['one', 'two', 'three', 'four']);
});

it('a messaged that never saw a session takes no lines: they wait for the next one', async () => {
  const server = await startBed();
  const env = { SJ_LINGER: '60' };
  const first = await startSuite(server, { env }).online();
  await first.chat(BOB);
  process.kill(-first.child.pid!, 'SIGKILL');
  await first.ended;
  server.faults = { silentFrom: 'bind' };
  const second = startSuite(server, { env, dir: first.dir });
  await until(() => group(second.child.pid!).some(({ name }) => name === 'messaged'));
  const writer = second.sh(`echo one > ${BOB}/in; echo two > ${BOB}/in`);
  server.faults = {};
  server.kill('*');
  await once(second.child, 'exit');

  const third = await startSuite(server, { env, dir: first.dir }).online();
  await writer;
  const out = await third.see(`${BOB}/out`, '> two\n');
  expect(untimed(out)).toBe(['one', 'two'].map((text) => `<${ALICE}> ${text}\n`).join(''));
});

it('what a messaged was given that has not said anything yet is not acknowledged', async () => {
  const server = await startBed();
  const place = scratch();
  const slow = `#!/bin/sh\nuntil [ -e "$SJ_DIR/go" ]; do sleep 0.1; done\nexec ${BIN}/messaged "$@"\n`;
  fs.writeFileSync(path.join(place, 'messaged'), slow, { mode: 0o755 });
  const env = { PATH: `${place}:${BIN}:${process.env.PATH}` };
  const first = await startSuite(server, { env }).online();
  await server.online(ALICE);
  for (const n of [1, 2, 3])
    await server.inject(ALICE, `<message from='${BOB}/r' type='chat' id='i${n}'><body>${n}</body></message>`);
  // Each answer comes after what the one before has set in motion.
  const answers = () => server.heard().match(/<a xmlns='urn:xmpp:sm:3' h='\d+'\/>/g)?.length ?? 0;
  for (let i = 0; i < 3; i++) {
    const before = answers();
    await server.inject(ALICE, `<r xmlns='urn:xmpp:sm:3'/>`);
    await until(() => answers() > before);
  }
  process.kill(-first.child.pid!, 'SIGKILL');
  await first.ended;

  fs.writeFileSync(path.join(first.dir, 'go'), '');
  const second = await startSuite(server, { dir: first.dir, env }).online();
  const out = await second.see(`${BOB}/out`, '> 3\n');
  expect(untimed(out)).toBe([1, 2, 3].map((n) => `<${BOB}/r> ${n}\n`).join(''));
});

it('a messaged that lingers goes when the next session ends in order, however early', async () => {
  const server = await startBed();
  const env = { SJ_LINGER: '600' };
  const first = await startSuite(server, { env }).online();
  await first.chat(BOB);
  server.kill(ALICE);
  await once(first.child, 'exit');
  const lingering = () => group(first.child.pid!).map(({ name }) => name);
  expect(lingering()).toEqual(['messaged']);
  server.faults = { silentFrom: 'bind' };
  const second = startSuite(server, { env, dir: first.dir });
  await until(() => server.silent() === 1);
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
  await until(() => lingering().length === 0);
});
