import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { mkfifos } from '../../../lib/files/mkfifo.ts';
import { type LogRecord, logLine } from '../../../lib/message/log.ts';
import { endsInRoom } from '../../../lib/message/tail.ts';
import { scratch } from '../files/scratch.ts';

const record = (type: string, body = 'x', dir: LogRecord['dir'] = 'in') =>
  logLine({ time: 't', dir, from: 'r@c/n', type, body });

function ends(...lines: string[]): boolean {
  const log = path.join(scratch(), 'log');
  fs.writeFileSync(log, lines.join(''));
  return endsInRoom(log);
}

it('tells a room by what was said in it', () => {
  expect(ends(record('groupchat'))).toBe(true);
  expect(ends(record('chat'))).toBe(false);
  expect(ends()).toBe(false);
  // The room's service, or one of its members in private, does not make it a contact.
  expect(ends(record('groupchat'), record('normal'), record('chat'))).toBe(true);
  expect(ends(record('groupchat', 'x', 'out'))).toBe(true);
});

it('counts only the last', () => {
  expect(ends(record('groupchat'), record('chat').repeat(30))).toBe(false);
});

it('is not told by what somebody says, or by what failed', () => {
  expect(ends(record('chat', '{"dir":"in","type":"groupchat"}'))).toBe(false);
  expect(ends(record('chat', '\n{"time":"t","dir":"in","type":"groupchat"}\n'))).toBe(false);
  expect(ends(record('groupchat', 'x', 'error'), logLine({ time: 't', dir: 'refused', body: 'x' }))).toBe(false);
});

it('reads no more than it has to, and as much as it has to', () => {
  expect(ends(record('groupchat').repeat(100_000), record('chat').repeat(400))).toBe(false);
  expect(ends(record('chat').repeat(400), record('groupchat', 'y'.repeat(262_144)))).toBe(true);
});

it('does without a log, and with one that is none', async () => {
  const dir = scratch();
  expect(endsInRoom(path.join(dir, 'log'))).toBe(false);
  expect(endsInRoom(dir)).toBe(false);
  await mkfifos([path.join(dir, 'fifo')]);
  expect(endsInRoom(path.join(dir, 'fifo'))).toBe(false);
  expect(ends('null\n', '17\n', '{"type":"groupchat"}\n', 'garbage\n', '{"dir":"in","type":7}\n', 'half a rec')).toBe(
    false,
  );
});
