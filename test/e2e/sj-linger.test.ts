// Between two connections: whoever writes into a contact's `in` then is told so, or is read by the next messaged.
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ALICE, BOB, group, startBed, startSuite, until, untimed } from './bed/suite.ts';

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
