// The recipes of the README as they stand there, run with what a stranger may send.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parseElement } from '../../lib/xml/tree.ts';
import { createRooms } from '../../lib/xmpp/stream/rooms.ts';
import { scratch } from './sys/scratch.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The indented block of a page that holds a text, without its indent. */
function block(page: string, holds: string): string {
  const blocks = fs.readFileSync(path.join(ROOT, page), 'utf8').match(/(?:^ {4}.*\n)+/gm) ?? [];
  const found = blocks.filter((text) => text.includes(holds));
  expect(found).toHaveLength(1);
  return found[0]!.replace(/^ {4}/gm, '');
}

it('the notification recipe prints a text that looks like escape sequences as it is', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'xmpp'));
  const text = '\\033]0;owned\\007 \\x1b[2J %s -n \\c $(touch owned) `touch owned`';
  fs.writeFileSync(path.join(dir, 'xmpp/events'), `1.000\tmessage\tbob@example.org\t${text}\n`);
  const follow = 'tail -n 0 -f xmpp/events';
  const recipe = block('README.md', follow).replace(follow, 'cat xmpp/events');
  expect(execFileSync('sh', ['-c', recipe], { cwd: dir, encoding: 'utf8' })).toBe(`bob@example.org: ${text}\n`);
  expect(fs.readdirSync(dir)).toEqual(['xmpp']);
});

it('the room recipe writes presence that joins the room, without its history', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'xmpp'));
  execFileSync('sh', ['-c', block('README.md', 'http://jabber.org/protocol/muc')], { cwd: dir });
  const presence = parseElement(fs.readFileSync(path.join(dir, 'xmpp/in'), 'utf8').trim());
  const rooms = createRooms();
  rooms.sent(presence);
  expect(rooms.concerns('chess@conference.example.org/bob')).toBe(true);
  expect(presence.getChild('x')?.getChild('history')?.attrs.maxstanzas).toBe('0');
});

const SCRIPTS = ['README.md', 'contrib', 'ext', 'man', 'demo'].flatMap((name) => {
  const full = path.join(ROOT, name);
  if (fs.statSync(full).isFile()) return [name];
  return fs
    .readdirSync(full, { recursive: true, encoding: 'utf8' })
    .map((file) => path.join(name, file))
    .filter((file) => fs.statSync(path.join(ROOT, file)).isFile());
});

it.each(SCRIPTS)('%s gives no variable that holds text of others to echo', (file) => {
  const lines = fs.readFileSync(path.join(ROOT, file), 'utf8').split('\n');
  // Positional parameters of our own functions and what od prints are not text of others.
  const risky = lines.filter(
    (line) => /\becho\b[^|;>]*\$\{?[a-zA-Z_]/.test(line) && !/\$\{(BOB|ALICE|PASSWORDS)/.test(line),
  );
  expect(risky).toEqual([]);
});
