// Names from the network: whoever sends whatever, nothing is written but what belongs into the tree.
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Client, connectClient } from '../../loopback/client.ts';
import { value } from '../../loopback/xml.ts';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  DOMAIN,
  events,
  type Suite,
  scratch,
  snapshot,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

/** Becomes these directories, or none. */
const SENDERS: [from: string, dir: string | null][] = [
  ['..', null],
  ['.', null],
  ['../../x', null],
  ['/etc/passwd', null],
  ['../../.profile@x.example', null],
  ['.profile', null],
  ['-rf', null],
  ['', null],
  ['@x.example', null],
  ['a b@x.example', null],
  ["a'b@x.example", null],
  ['a\u009b2Jb@x.example', null],
  ['a\u007fb@x.example', null],
  ['a\nb@x.example', null],
  ['a\u202eb@x.example', null],
  ['\ufdd0@x.example', null],
  ['x..example', null],
  [`${'x'.repeat(1024)}@x.example`, null],
  [`${'é'.repeat(512)}@x.example`, null],
  ['in', '%69n'],
  ['in/out', '%69n'],
  ['state', '%73tate'],
  ['events', '%65vents'],
  ['mypresence', '%6Dypresence'],
  ['ext', '%65xt'],
  ['password/x', '%70assword'],
  ['cert.pem', '%63ert.pem'],
  ['a/b', 'a'],
  ['a/../../../x', 'a'],
  ['..@x.example', '%2E.@x.example'],
  ['.ssh@x.example', '%2Essh@x.example'],
  ['-rf@x.example', '%2Drf@x.example'],
  ['%2e%2e@x.example', '%252e%252e@x.example'],
  ['*;$(date)`@x.example', '*;$(date)`@x.example'],
  ['a@x.co', 'a@x.co'],
  ['a@x.com', 'a@x.com'],
  ['a@x.com.example', 'a@x.com.example'],
  ['Upper@CASE.Example/R', 'upper@case.example'],
  ['upper@case.example/r', 'upper@case.example'],
  ['Ä@MÜNCHEN.example', 'ä@münchen.example'],
  ['a\u0308@mu\u0308nchen.example', 'ä@münchen.example'],
  ['ä@xn--mnchen-3ya.example', 'ä@münchen.example'],
  ['日本@例え.example/携帯', '日本@例え.example'],
  [`${'y'.repeat(1023)}@x.example/${'z'.repeat(1023)}`, `${'y'.repeat(238)}~`],
  [`${'é'.repeat(511)}@x.example`, `${'é'.repeat(119)}~`],
];

let root: string;
let alice: Suite;
let bob: Client;
let server: Bed;

beforeEach(async () => {
  root = scratch();
  const dir = path.join(root, 'home', 'xmpp');
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const name of ['home/.profile', 'x', 'home/x']) fs.writeFileSync(path.join(root, name), 'untouched');
  server = await startBed();
  bob = await connectClient({ ...server, domain: DOMAIN, user: 'bob', password: 'secret-bob', resource: 'phone' });
  alice = await startSuite(server, {
    dir,
    cwd: path.join(root, 'home'),
    env: { HOME: path.join(root, 'home') },
  }).online();
});

/** Sends stanzas to alice as they are, and waits until each daemon has dealt with them. */
async function inject(...stanzas: string[]): Promise<void> {
  const end = `end-${Math.random()}`;
  await server.inject(
    ALICE,
    stanzas.join('') +
      `<message from='${BOB}/phone' type='chat'><body>${end}</body></message>` +
      `<presence from='${BOB}/phone'><status>${end}</status></presence>` +
      `<iq type='get' from='${BOB}/phone' id='${end}'><query xmlns='jabber:iq:version'/></iq>`,
  );
  await alice.see(`${BOB}/out`, end);
  await alice.see(`${BOB}/presence`, end);
  await bob.waitFor(({ stanza }) => stanza.attrs.id === end);
}

/** What the daemons keep for themselves; it changes with each stanza. */
const OWN = /^home\/xmpp\/\.(iqs|journal|messaged|newcomers|presences|queue|requests|roster)$/;

/** All that is new outside the contacts, and all that has changed beside the tree. */
const strays = (before: readonly string[]) =>
  snapshot(root).filter((name) => !before.includes(name) && !OWN.test(name));

it('senders have directories of their own, and nothing else', async () => {
  const before = snapshot(root);
  await inject(
    ...SENDERS.flatMap(([from], i) => [
      `<message from='${value(from)}' to='${ALICE}' type='chat'><body>from ${i}</body></message>`,
      `<message from='${value(from)}' to='${ALICE}' type='error'><body>x</body><error type='cancel'/></message>`,
      `<presence from='${value(from)}' to='${ALICE}'><status>from ${i}</status></presence>`,
      `<presence from='${value(from)}' to='${ALICE}' type='subscribe'/>`,
      `<iq type='get' from='${value(from)}' id='${i}'><query xmlns='../../x'/></iq>`,
    ]),
  );
  const dirs = new Set(SENDERS.flatMap(([, dir]) => (dir === null ? [] : [dir])));
  dirs.add(BOB);
  // FIFOs are made by another program, many at once.
  const contacts = () => fs.readdirSync(alice.dir).filter((name) => fs.existsSync(path.join(alice.dir, name, 'id')));
  await until(() => contacts().every((name) => fs.existsSync(path.join(alice.dir, name, 'in'))));
  const made = strays(before).map((name) => path.relative('home/xmpp', name));
  const shown = (name: string) => name.replace(/~[0-9a-f]{16}(?=\/|$)/, '~');
  const expected = [...dirs].flatMap((dir) => [
    dir,
    ...['id', 'in', 'log', 'out', 'presence'].map((file) => `${dir}/${file}`),
  ]);
  expect(made.map(shown).sort()).toEqual(expected.sort());
  for (const name of made) expect(Buffer.byteLength(path.basename(name))).toBeLessThanOrEqual(255);

  for (const name of fs.readdirSync(alice.dir)) {
    if (!dirs.has(shown(name)) || name === BOB) continue;
    // Each heard what was its own, and all of it.
    const own = SENDERS.flatMap(([, dir], i) => (dir === shown(name) ? [`from ${i}`] : []));
    const heard = untimed(alice.read(name, 'out')).split('\n');
    expect(heard.flatMap((line) => /> (from \d+)$/.exec(line)?.[1] ?? [])).toEqual(own);
    expect(own.map((text) => `online ${text}\n`)).toContain(alice.read(name, 'presence'));
    expect(fs.statSync(path.join(alice.dir, name)).mode & 0o777).toBe(0o700);
  }
  expect(alice.read(`${'y'.repeat(238)}~${hashOf('y')}`, 'id').trimEnd()).toBe(`${'y'.repeat(1023)}@x.example`);
  for (const line of events(alice.dir)) expect(line).toHaveLength(3);
  for (const name of ['home/.profile', 'x', 'home/x']) expect(contents(root, name)).toBe('untouched');
  expect(alice.read('state')).toBe(`online ${ALICE}/desk\n`);
});

/** The hash in the only cut name that begins so. */
const hashOf = (outgoingOf: string) =>
  fs.readdirSync(alice.dir).flatMap((name) => new RegExp(`^${outgoingOf}+~(.{16})$`).exec(name)?.[1] ?? [])[0];

it('what is said to one is not said to another whose name begins alike', async () => {
  await inject(`<message from='a@x.co' type='chat'><body>hi</body></message>`);
  await alice.chat('a@x.com');
  await alice.sh('echo to com > a@x.com/in; echo to co > a@x.co/in');
  const messages = () =>
    server.received().filter(({ stanza, jid }) => stanza.name === 'message' && jid.startsWith(ALICE));
  await until(() => messages().length === 2);
  expect(messages().map(({ stanza, xml }) => [stanza.attrs.to, />(to \w+)</.exec(xml)?.[1]])).toEqual(
    expect.arrayContaining([
      ['a@x.com', 'to com'],
      ['a@x.co', 'to co'],
    ]),
  );
  // The server bounces both, each to its own.
  await alice.see('a@x.com/out', 'not delivered');
  await alice.see('a@x.co/out', 'not delivered');
  expect(alice.read('a@x.co/out')).not.toContain('com');
});

describe('iq answers', () => {
  const IDS = [
    '../../.profile',
    '../x',
    'in',
    'state',
    '.lock',
    'ext',
    BOB,
    `${BOB}/out`,
    'a/b',
    'x'.repeat(65),
    '',
    'new',
  ];

  it('that nobody asked for are written nowhere', async () => {
    await inject();
    const before = snapshot(root);
    const tree = () =>
      before.map((name) =>
        /\/(in|log|out|events)$/.test(name) || OWN.test(name) ? name : [name, contents(root, name)],
      );
    const then = tree();
    const answers = ['result', 'error'].flatMap((type) =>
      IDS.map((id) => `<iq type='${type}' from='${DOMAIN}' to='${ALICE}/desk' id='${value(id)}'><x xmlns='y'/></iq>`),
    );
    await inject(...answers, ...answers.map((answer) => answer.replace(` from='${DOMAIN}'`, '')));
    expect(strays(before)).toEqual([]);
    // Only bob has another status.
    expect(tree().filter((entry, i) => String(entry) !== String(then[i]))).toEqual([
      [`home/xmpp/${BOB}/presence`, expect.anything()],
    ]);
  });

  it('to an id that no file can have are not asked for', async () => {
    const bad = IDS.filter((id) => id !== 'new' && id !== BOB && id !== '');
    for (const id of bad)
      await alice.sh(`printf '%s' "$1" > in`, `<iq type='get' id='${id}' to='${BOB}/phone'><q xmlns='x'/></iq>`);
    await alice.sh(`echo "<iq type='get' id='fine' to='${BOB}/phone'><q xmlns='x'/></iq>" > in`);
    await bob.waitFor(({ stanza }) => stanza.attrs.id === 'fine');
    expect(bob.received().filter(({ stanza }) => stanza.name === 'iq')).toHaveLength(1);
    const why = events(alice.dir).filter(([type]) => type === 'error');
    expect(why.map(([, , detail]) => detail)).toEqual(
      bad.map((id) => expect.stringContaining(`an iq with an id that no file can have: ${id.slice(0, 64)}`)),
    );
    expect(alice.err().trimEnd().split('\n')).toEqual(
      bad.map(() => expect.stringMatching(/^sj: warning: in: dropped a stanza: an iq with an id/)),
    );
  });

  it('are taken once, from whom was asked', async () => {
    const answer = (from: string, text: string) =>
      `<iq type='result' from='${from}' to='${ALICE}/desk' id='q1'><q xmlns='x'>${text}</q></iq>`;
    await alice.sh(`echo "<iq type='get' id='q1' to='${BOB}/phone'><q xmlns='x'/></iq>" > in`);
    await bob.waitFor(({ stanza }) => stanza.attrs.id === 'q1');
    const wrong = ['eve@x.example', BOB, `${BOB}/other`, DOMAIN, ALICE, `${ALICE}/desk`, 'x'];
    await inject(...wrong.map((from) => answer(from, 'forged')), answer('', 'forged').replace(" from=''", ''));
    expect(fs.existsSync(path.join(alice.dir, 'q1'))).toBe(false);
    await inject(answer(`Bob@${DOMAIN.toUpperCase()}/phone`, 'right'), answer(`${BOB}/phone`, 'too late'));
    expect(await alice.see('q1', 'right')).toMatch(/^<iq [^\n]*>right<\/q><\/iq>\n$/);
    fs.rmSync(path.join(alice.dir, 'q1'));
    await inject(answer(`${BOB}/phone`, 'again'));
    expect(fs.existsSync(path.join(alice.dir, 'q1'))).toBe(false);
  });
});

it('a namespace names no program outside ext/', async () => {
  const before = snapshot(root);
  fs.writeFileSync(path.join(root, 'home', 'run'), '#!/bin/sh\ntouch ../ran ran "$HOME/ran"\n', { mode: 0o755 });
  const spaces = [
    '../run',
    '../../run',
    '/bin/sh',
    `${root}/home/run`,
    'run',
    '.',
    '..',
    'x/../../run',
    '%2e%2e%2frun',
    '-c',
  ];
  await inject(
    ...spaces.map((ns, i) => `<iq type='set' from='${BOB}/phone' id='n${i}'><q xmlns='${value(ns)}'/></iq>`),
  );
  for (const i of spaces.keys()) {
    const { attrs } = await bob.waitFor(({ stanza }) => stanza.attrs.id === `n${i}`);
    expect(attrs.type).toBe('error');
  }
  expect(strays(before).filter((name) => !name.includes(BOB))).toEqual(['home/run']);
});
