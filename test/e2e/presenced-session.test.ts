/** presenced as a part of a session of sj that breaks off and goes on. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { type Partner, startPartner } from './bed/partner.ts';
import { contents, events, newAccount, until } from './bed/suite.ts';

const start = (dir: string) => startPartner('presenced', dir);
const from = (jid: string, inner = '') => `<presence from='${jid}'>${inner}</presence>`;
const gone = (jid: string) => `<presence from='${jid}' type='unavailable'/>`;
const show = (text: string) => `<show>${text}</show>`;
const AVAILABLE = '<presence/>';
const UNAVAILABLE = `<presence type='unavailable'/>`;

/** The contacts that are shown to be there, and how. */
const shown = (dir: string): Record<string, string> =>
  Object.fromEntries(
    fs
      .readdirSync(dir)
      .filter((name) => name.includes('@'))
      .map((jid) => [jid, contents(dir, jid, 'presence').trimEnd()] as const)
      .filter(([, line]) => line !== '')
      .sort(),
  );

const notes = (dir: string) => contents(dir, '.presences');

/** Waits until presenced has said so many stanzas, and has written down that they were taken. */
async function said(p: Partner, dir: string, count: number): Promise<string[]> {
  await until(() => p.got.length >= count);
  const before = notes(dir);
  p.take();
  await until(() => notes(dir) !== before);
  return p.texts();
}

async function begun(dir: string, ...stanzas: string[]): Promise<Partner> {
  const p = start(dir);
  p.session('P', 0);
  await said(p, dir, 1);
  p.give(...stanzas);
  await until(() => p.done === stanzas.length);
  return p;
}

it('says what it has dealt with, once it is in the files', async () => {
  const dir = newAccount();
  const p = start(dir);
  p.give(from('bob@x/1', show('away')), `<presence from='eve@x' type='subscribe'/>`);
  p.session('P', 2);
  await until(() => p.done === 2);
  expect(p.heard[0]).toBe('hello');
  expect(shown(dir)).toEqual({ 'bob@x': 'away' });
  expect(events(dir)).toContainEqual(['subscribe', 'eve@x', '']);
  expect(notes(dir)).toMatch(/^[0-9a-f]{8} 2$/m);
  expect(fs.statSync(path.join(dir, '.presences')).mode & 0o777).toBe(0o600);
  await until(() => p.got.length === 1);
  expect([await p.end(), p.err(), p.texts()]).toEqual([0, '', [AVAILABLE]]);
  expect(shown(dir)).toEqual({});
});

it('takes what came between the binding and the session', async () => {
  const dir = newAccount();
  const p = start(dir);
  p.give(from('bob@x/1'));
  p.session('P', 0);
  p.give(from('eve@x/1'));
  await until(() => p.done === 1);
  expect(shown(dir)).toEqual({ 'bob@x': 'online', 'eve@x': 'online' });
});

it.each(['killed', 'ended'])('knows who is there when the session goes on after it was %s', async (how) => {
  const dir = newAccount();
  const first = await begun(
    dir,
    from('bob@x/1', `${show('away')}<priority>5</priority>`),
    from('bob@x/2', show('dnd')),
    from('eve@x/1'),
    gone('eve@x/1'),
    from('room@x/nick', `<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>`),
    from('ann@x/1', '<status>one\ntwo</status>'),
    from('dan@x/1'),
    gone('dan@x'),
    from('kim@x/1'),
  );
  await (how === 'killed' ? first.kill() : first.end());
  fs.rmSync(path.join(dir, 'kim@x'), { recursive: true });
  const second = start(dir);
  await until(() => second.heard.length > 0);
  second.session('P', 9, true);
  await until(() => Object.keys(shown(dir)).length === 3);
  expect(shown(dir)).toEqual({ 'ann@x': 'online one two', 'bob@x': 'away', 'room@x': 'online' });
  expect(fs.existsSync(path.join(dir, 'kim@x'))).toBe(false);
  second.give(gone('bob@x/1'));
  await until(() => second.done === 10);
  expect(shown(dir)['bob@x']).toBe('dnd');
  expect([await second.end(true), second.err(), second.texts()]).toEqual([0, '', []]);
});

it('drops what comes again in a session, and does not tell of it twice', async () => {
  const dir = newAccount();
  const stanzas = [from('bob@x/1'), from('bob@x/1', show('xa')), `<presence from='eve@x' type='subscribe'/>`];
  const first = await begun(dir, ...stanzas);
  await first.kill();
  const second = start(dir);
  second.session('P', 0, true);
  second.give(...stanzas);
  second.give(`<presence from='eve@x' type='unsubscribe'/>`);
  await until(() => second.done === 4);
  await until(() => shown(dir)['bob@x'] === 'xa');
  expect(events(dir).filter(([type]) => type?.startsWith('sub') || type?.startsWith('unsub'))).toEqual([
    ['subscribe', 'eve@x', ''],
    ['unsubscribe', 'eve@x', ''],
  ]);
});

it.each([
  ['another session', 'Q', (text: string) => text],
  ['a file of anything', 'P', () => '{"session":"P"}\n[[]]\nnull\n\0\u2028{\n'],
  ['no file', 'P', () => null],
  ['another boot', 'P', (text: string) => text.replace(/"boot":"[^"]*"/, '"boot":""')],
])('asks anew who is there where it cannot know: after %s', async (_, id, change) => {
  const dir = newAccount();
  const first = await begun(dir, from('bob@x/1'));
  await first.kill();
  const text = change(notes(dir));
  if (text === null) fs.rmSync(path.join(dir, '.presences'));
  else fs.writeFileSync(path.join(dir, '.presences'), text);
  const second = start(dir);
  second.session(id, 0, true);
  await until(() => second.got.length === 2);
  expect(second.texts()).toEqual([UNAVAILABLE, AVAILABLE]);
  expect(shown(dir)).toEqual({});
  second.give(from('bob@x/1'));
  await until(() => second.done === 1);
  expect(shown(dir)).toEqual({ 'bob@x': 'online' });
});

it('begins a new session with nobody', async () => {
  const dir = newAccount();
  const first = await begun(dir, from('bob@x/1'));
  await first.end();
  const second = start(dir);
  second.session('Q', 0);
  await until(() => second.got.length === 1);
  expect(second.texts()).toEqual([AVAILABLE]);
  expect(notes(dir)).not.toContain('bob@x');
  expect(shown(dir)).toEqual({});
});

it('knows at every point of its file what it knew then', async () => {
  const dir = newAccount();
  const first = await begun(dir, from('bob@x/1', show('away')), from('bob@x/1', show('dnd')), from('ann@x/é'));
  await first.kill();
  const whole = fs.readFileSync(path.join(dir, '.presences'));
  const ends = [...whole.keys()].filter((at) => whole[at] === 0x0a).map((at) => at + 1);
  const sizes = ends.flatMap((end) => [end, Math.min(whole.length, end + 3)]);
  for (const size of new Set(sizes)) {
    fs.writeFileSync(path.join(dir, '.presences'), whole.subarray(0, size));
    const p = start(dir);
    p.session('P', 0, true);
    p.give(from('eve@x/1'), from('bob@x/1', show('dnd')), from('ann@x/é'), from('last@x/1'));
    await until(() => p.done === 4);
    expect([await p.end(), p.err()]).toEqual([0, '']);
  }
});

const to = (jid: string, text: string) => `<presence to='${jid}'>${show(text)}</presence>`;
const mine = (dir: string, text: string, ...names: string[]) => {
  fs.mkdirSync(path.join(dir, ...names), { recursive: true });
  fs.writeFileSync(path.join(dir, ...names, 'mypresence'), `${text}\n`);
};

it('says of its own presence only what has changed', async () => {
  const dir = newAccount();
  mine(dir, 'away');
  for (const jid of ['ann@x', 'bob@x', 'eve@x', 'kim@x']) mine(dir, 'dnd', jid);
  const first = start(dir);
  first.session('P', 0);
  const all = await said(first, dir, 5);
  expect(all.sort()).toEqual([
    ...['ann@x', 'bob@x', 'eve@x', 'kim@x'].map((jid) => to(jid, 'dnd')),
    `<presence><show>away</show></presence>`,
  ]);
  await first.kill();

  mine(dir, 'xa', 'ann@x');
  fs.rmSync(path.join(dir, 'bob@x', 'mypresence'));
  fs.rmSync(path.join(dir, 'eve@x'), { recursive: true });
  const second = start(dir);
  second.session('P', 0, true);
  const changed = await said(second, dir, 6);
  expect(changed.slice(0, 2).sort()).toEqual(
    ['bob@x', 'eve@x'].map((jid) => `<presence to='${jid}' type='unavailable'/>`),
  );
  // Who has lost a presence of their own sees the one for everybody, after which the directed ones are said again.
  expect(changed[2]).toBe(`<presence><show>away</show></presence>`);
  expect(changed.slice(3)).toContain(to('ann@x', 'xa'));
  await second.kill();

  const third = start(dir);
  third.session('P', 0, true);
  third.give(from('ann@x/1'));
  await until(() => shown(dir)['ann@x'] === 'online');
  expect([await third.end(), third.texts()]).toEqual([0, []]);

  mine(dir, 'offline');
  const fourth = start(dir);
  fourth.session('P', 1, true);
  await until(() => fourth.got.length === 3);
  expect(fourth.texts()[0]).toBe(UNAVAILABLE);
});

it('says again what was not taken, or was refused', async () => {
  const dir = newAccount();
  mine(dir, 'dnd', 'bob@x');
  const first = start(dir);
  first.session('P', 0);
  await until(() => first.got.length === 2);
  first.tell({ what: 'sent', n: 1 });
  await until(() => notes(dir).includes('["","",'));
  await first.kill();
  const second = start(dir);
  second.session('P', 0, true);
  await until(() => second.got.length === 1);
  expect(second.texts()).toEqual([to('bob@x', 'dnd')]);
  second.tell({ what: 'refused', n: 1, reason: 'too big' });
  second.take();
  second.give(from('bob@x/1'));
  await until(() => second.done === 1);
  await second.kill();
  const third = start(dir);
  third.session('P', 1, true);
  await until(() => third.got.length === 1);
  expect(third.texts()).toEqual([to('bob@x', 'dnd')]);
});

it('is not done with what it cannot write, and is when it can', async () => {
  const dir = newAccount();
  fs.mkdirSync(path.join(dir, 'events'));
  const p = start(dir);
  p.session('P', 0);
  p.give(from('bob@x/1'));
  await until(() => shown(dir)['bob@x'] === 'online');
  await until(() => /cannot write .*events: /.test(p.err()));
  p.give(from('bob@x/1', show('away')));
  await until(() => shown(dir)['bob@x'] === 'away');
  expect(p.done).toBe(0);
  fs.rmdirSync(path.join(dir, 'events'));
  await until(() => p.done === 2);
  expect(events(dir).map(([type, , detail]) => `${type} ${detail}`)).toEqual(['presence online', 'presence away']);
});

it('waits until its file can be opened', async () => {
  const dir = newAccount();
  fs.mkdirSync(path.join(dir, '.presences'));
  const p = start(dir);
  p.session('P', 0);
  p.give(from('bob@x/1'));
  await until(() => /cannot open .*\.presences: /.test(p.err()));
  expect([p.done, p.got]).toEqual([0, []]);
  fs.rmdirSync(path.join(dir, '.presences'));
  await until(() => p.done === 1);
  expect(shown(dir)).toEqual({ 'bob@x': 'online' });
  await until(() => p.got.length === 1);
});
