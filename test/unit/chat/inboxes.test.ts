import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createInboxes, type Inboxes } from '../../../lib/chat/inboxes.ts';
import { mkfifos } from '../../../lib/sys/mkfifo.ts';
import { ensureContact } from '../../../lib/tree/contact.ts';
import { dirName } from '../../../lib/tree/names.ts';
import { xmppBackEnd } from '../../../lib/xmpp/back-end.ts';
import { DEFAULT_LIMITS } from '../../../lib/xmpp/limits.ts';
import { scratch, sh, until } from '../sys/scratch.ts';

function chatting(dir = scratch()) {
  const lines: string[] = [];
  const gone: string[] = [];
  const warnings: string[] = [];
  const misnamed: [string, string][] = [];
  const inboxes: Inboxes = createInboxes(dir, xmppBackEnd(DEFAULT_LIMITS), {
    line: (jid, bytes) => lines.push(`${jid}: ${bytes}`),
    tooLong: (jid, head, length) => lines.push(`${jid}: ${head.length} of ${length}`),
    gone: (jid) => gone.push(jid),
    warn: (message) => warnings.push(message),
    misnamed: (name, text) => misnamed.push([name, text]),
  });
  onTestFinished(() => inboxes.drain(1));
  const say = (name: string, text: string) => sh(dir, 'printf "%s\\n" "$2" > "$1"', path.join(name, 'in'), text).done;
  const fifo = (name: string) => fs.lstatSync(path.join(dir, name, 'in')).isFIFO();
  return { dir, inboxes, lines, gone, warnings, misnamed, say, fifo };
}

it('makes what is missing in the directories that it finds, and listens', async () => {
  const c = chatting();
  for (const name of ['bob@x', 'eve@x', 'news.x']) fs.mkdirSync(path.join(c.dir, name));
  await mkfifos([path.join(c.dir, 'eve@x', 'in')]);
  fs.mkdirSync(path.join(c.dir, 'ext'));
  await c.inboxes.scan();
  for (const name of ['bob@x', 'eve@x', 'news.x']) {
    expect(c.fifo(name)).toBe(true);
    expect(fs.readFileSync(path.join(c.dir, name, 'id'), 'utf8')).toBe(`${name}\n`);
    await c.say(name, `to ${name}`);
  }
  await until(() => c.lines.length === 3);
  expect(c.lines.sort()).toEqual(['bob@x: to bob@x', 'eve@x: to eve@x', 'news.x: to news.x']);
  expect(fs.readdirSync(path.join(c.dir, 'ext'))).toEqual([]);
  expect(c.warnings).toEqual([]);
});

it('sends what a shell has written before the FIFO could be made, and makes it then', async () => {
  const c = chatting();
  c.inboxes.open('bob@x');
  fs.writeFileSync(path.join(c.dir, 'bob@x', 'in'), 'early\n');
  await until(() => c.lines.length === 1);
  expect(c.fifo('bob@x')).toBe(true);
  expect([c.lines, c.warnings]).toEqual([['bob@x: early'], []]);
});

it('reads each line once, however often it looks at once', async () => {
  const c = chatting();
  c.inboxes.open('bob@x');
  for (let i = 0; i < 5; i++) c.inboxes.look('bob@x');
  const scans = [c.inboxes.scan(), c.inboxes.scan()];
  c.inboxes.look('bob@x');
  await Promise.all(scans);
  const writer = fs.openSync(path.join(c.dir, 'bob@x', 'in'), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  // With two readers the halves of a line would go apart.
  for (let i = 0; i < 50; i++) {
    fs.writeSync(writer, 'ha');
    await new Promise(setImmediate);
    fs.writeSync(writer, 'lf\n');
    await until(() => c.lines.length === i + 1);
  }
  fs.closeSync(writer);
  expect(new Set(c.lines)).toEqual(new Set(['bob@x: half']));
  const events = fs.readFileSync(path.join(c.dir, 'events'), 'utf8');
  expect(events.split('\n')).toHaveLength(2);
});

it('lets those wait who write much, and hears the first word of the others', async () => {
  const c = chatting();
  for (const name of ['bob@x', 'eve@x']) fs.mkdirSync(path.join(c.dir, name));
  await c.inboxes.scan();
  const writers = ['bob@x', 'eve@x'].map((name) => fs.openSync(path.join(c.dir, name, 'in'), 'w'));
  const [bob, eve] = writers as [number, number];
  onTestFinished(() => {
    for (const fd of writers) fs.closeSync(fd);
  });
  fs.writeSync(bob, 'one\n');
  await until(() => c.lines.length === 1);

  c.inboxes.ease(true);
  fs.writeSync(bob, 'two\n');
  fs.writeSync(eve, 'hi\n');
  await until(() => c.lines.length === 2);
  fs.writeSync(eve, 'more\n');
  // Whoever waits goes on waiting when the others may speak again.
  c.inboxes.pause();
  c.inboxes.resume();
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(c.lines).toEqual(['bob@x: one', 'eve@x: hi']);

  c.inboxes.ease(false);
  await until(() => c.lines.length === 4);
  expect(c.lines.slice(2).sort()).toEqual(['bob@x: two', 'eve@x: more']);
});

it('leaves a directory alone whose name is not in normal form, and says what it should be', async () => {
  const c = chatting();
  for (const name of ['Bob@X', 'a b', '%zz']) fs.mkdirSync(path.join(c.dir, name));
  await c.inboxes.scan();
  await c.inboxes.scan();
  for (const name of ['Bob@X', '%zz']) c.inboxes.look(name);
  expect(c.warnings).toHaveLength(3);
  expect(c.warnings.join()).toContain(`${path.join(c.dir, 'Bob@X')}: not in normal form, which is bob@x`);
  for (const name of ['Bob@X', 'a b', '%zz']) expect(fs.readdirSync(path.join(c.dir, name))).toEqual([]);
});

it('does not touch an in that is no FIFO, and takes one that comes', async () => {
  const c = chatting();
  for (const name of ['link@x', 'dir@x']) fs.mkdirSync(path.join(c.dir, name));
  await mkfifos([path.join(c.dir, 'elsewhere')]);
  fs.symlinkSync('../elsewhere', path.join(c.dir, 'link@x', 'in'));
  fs.mkdirSync(path.join(c.dir, 'dir@x', 'in'));
  await c.inboxes.scan();
  await c.inboxes.scan();
  expect(c.warnings.sort()).toEqual([
    `${path.join(c.dir, 'dir@x')}: cannot open in: not a FIFO`,
    `${path.join(c.dir, 'link@x')}: cannot open in: a symbolic link`,
  ]);
  fs.rmSync(path.join(c.dir, 'link@x', 'in'));
  await c.inboxes.scan();
  await c.say('link@x', 'now');
  await until(() => c.lines.length === 1);
});

it('sends what was written before the FIFO was there, and then makes it one', async () => {
  const c = chatting();
  fs.mkdirSync(path.join(c.dir, 'bob@x'));
  fs.writeFileSync(path.join(c.dir, 'bob@x', 'in'), 'one\ntwo');
  await c.inboxes.scan();
  expect(c.lines).toEqual(['bob@x: one', 'bob@x: two']);
  expect(c.fifo('bob@x')).toBe(true);
  expect(fs.readdirSync(path.join(c.dir, 'bob@x')).sort()).toEqual(['id', 'in', 'out']);

  // The one who did it ended before the FIFO was made, twice.
  fs.rmSync(path.join(c.dir, 'bob@x', 'in'));
  fs.writeFileSync(path.join(c.dir, 'bob@x', '.in.early'), 'three\n');
  fs.writeFileSync(path.join(c.dir, 'bob@x', 'in'), 'four\n');
  await c.inboxes.scan();
  expect(c.lines.slice(2)).toEqual(['bob@x: three', 'bob@x: four']);
  await c.say('bob@x', 'five');
  await until(() => c.lines.length === 5);
  expect(c.warnings).toEqual([]);
});

it('closes the FIFO when the directory goes, and opens the one of the next', async () => {
  const c = chatting();
  c.inboxes.open('bob@x');
  await c.inboxes.scan();
  fs.rmSync(path.join(c.dir, 'bob@x'), { recursive: true });
  expect(c.inboxes.has('bob@x')).toBe(true);
  c.inboxes.look('bob@x');
  expect([c.inboxes.has('bob@x'), c.gone]).toEqual([false, ['bob@x']]);
  c.inboxes.open('bob@x');
  expect(c.inboxes.has('bob@x')).toBe(true);
  await c.inboxes.scan();

  // Removed and made again before anybody has looked.
  fs.rmSync(path.join(c.dir, 'bob@x'), { recursive: true });
  fs.mkdirSync(path.join(c.dir, 'bob@x'));
  await mkfifos([path.join(c.dir, 'bob@x', 'in')]);
  c.inboxes.look('bob@x');
  await c.say('bob@x', 'again');
  await until(() => c.lines.length === 1);

  // Under another name it is another contact.
  fs.renameSync(path.join(c.dir, 'bob@x'), path.join(c.dir, 'eve@x'));
  await c.inboxes.scan();
  await c.say('eve@x', 'hi');
  await until(() => c.lines.length === 2);
  expect(c.lines).toEqual(['bob@x: again', 'eve@x: hi']);
});

it('knows a contact from its directory, whole names only', async () => {
  const c = chatting();
  fs.mkdirSync(path.join(c.dir, 'a@x.com'));
  await c.inboxes.scan();
  expect(['a@x.com', 'a@x.co', 'x.com', 'in', 'ext'].map(c.inboxes.has)).toEqual([true, false, false, false, false]);
});

it('serves names that files have to write otherwise', async () => {
  const c = chatting();
  const long = `${'l'.repeat(400)}@example.org`;
  for (const jid of ['in', 'user%host@gateway.org', long]) {
    c.inboxes.open(jid);
    await c.inboxes.scan();
    await c.say(dirName(jid), 'hi');
  }
  await until(() => c.lines.length === 3);
  expect(c.lines).toEqual(['in: hi', 'user%host@gateway.org: hi', `${long}: hi`]);
});

it('counts what it does not keep of an endless line', async () => {
  const c = chatting();
  c.inboxes.open('bob@x');
  await c.inboxes.scan();
  await sh(c.dir, '(head -c 3000000 /dev/zero | tr "\\000" x; echo; echo next) > bob@x/in').done;
  await until(() => c.lines.length === 2);
  expect(c.lines).toEqual(['bob@x: 1048576 of 3000000', 'bob@x: next']);
});

it('makes writers wait while it is paused, those of new contacts too', async () => {
  const c = chatting();
  c.inboxes.open('old@x');
  await c.inboxes.scan();
  c.inboxes.pause();
  c.inboxes.open('new@x');
  await c.inboxes.scan();
  await Promise.all([c.say('old@x', 'a'), c.say('new@x', 'b')]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(c.lines).toEqual([]);
  c.inboxes.resume();
  await until(() => c.lines.length === 2);
});

it('says what it cannot do without mkfifo, and goes on', async () => {
  const c = chatting();
  const { PATH } = process.env;
  process.env.PATH = c.dir;
  onTestFinished(() => {
    process.env.PATH = PATH;
  });
  c.inboxes.open('bob@x');
  await c.inboxes.scan();
  expect(c.warnings).toEqual([
    expect.stringContaining('cannot run mkfifo'),
    expect.stringContaining('its in cannot be made'),
  ]);
  process.env.PATH = PATH;
  await c.inboxes.scan();
  expect(c.fifo('bob@x')).toBe(true);
});

it('makes out with the chat, and not again for who removes it', async () => {
  const c = chatting();
  const out = path.join(c.dir, 'bob@x', 'out');
  fs.mkdirSync(path.dirname(out));
  await c.inboxes.scan();
  expect([fs.readFileSync(out, 'utf8'), fs.statSync(out).mode & 0o777]).toEqual(['', 0o600]);
  fs.rmSync(out);
  await c.inboxes.scan();
  expect(fs.existsSync(out)).toBe(false);
});

it('tells once of a directory whose lines go nowhere, or to a server', async () => {
  const c = chatting();
  for (const name of ['Bob@x', 'bob@x', 'a b@x', 'bob', 'news.x', 'localhost']) fs.mkdirSync(path.join(c.dir, name));
  await c.inboxes.scan();
  await c.inboxes.scan();
  c.inboxes.look('Bob@x');
  expect(c.misnamed.sort()).toEqual([
    ['Bob@x', 'nothing that is written here is sent: Bob@x is not in normal form, which is bob@x'],
    ['a b@x', expect.stringContaining('nothing that is written here is sent: a b@x is ')],
    ['bob', 'bob is the name of a server; people are USER@DOMAIN'],
  ]);
  expect(c.fifo('bob')).toBe(true);
});

it('half a line that was read before is taken up when its directory is looked at, and kept until then', async () => {
  const { dir, inboxes, lines, say } = chatting();
  ensureContact(dir, 'bob@x');
  inboxes.begin('bob@x', Buffer.from('half '));
  expect(inboxes.begun()).toEqual([{ jid: 'bob@x', bytes: Buffer.from('half ') }]);
  await inboxes.scan();
  expect(inboxes.begun()).toEqual([{ jid: 'bob@x', bytes: Buffer.from('half ') }]);
  await say('bob@x', 'a line');
  await until(() => lines.length > 0);
  expect(lines).toEqual(['bob@x: half a line']);
});

it('half a line of a contact that is gone is forgotten', async () => {
  const { inboxes } = chatting();
  inboxes.begin('gone@x', Buffer.from('half '));
  await inboxes.scan();
  expect(inboxes.begun()).toEqual([]);
});
