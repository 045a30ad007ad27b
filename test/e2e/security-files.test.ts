// Files: for the user's eyes only, made nowhere but in the tree, and nothing in a file's place makes anybody wait.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Client, connectClient } from '../../loopback/client.ts';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  DOMAIN,
  newAccount,
  type Suite,
  startBed,
  startSuite,
  until,
} from './bed/suite.ts';

let server: Bed;
let bob: Client;

beforeEach(async () => {
  server = await startBed();
  bob = await connectClient({ ...server, domain: DOMAIN, user: 'bob', password: 'secret-bob', resource: 'phone' });
});

const EVE = 'eve@x.example';
/** A name that is cut, so its `id` is read. */
const LONG = `${'y'.repeat(300)}@x.example`;

/** Has each daemon and sj write what they ever write, and waits until they have. */
async function live(alice: Suite): Promise<void> {
  await server.inject(
    ALICE,
    [EVE, BOB, LONG]
      .map(
        (jid) =>
          `<message from='${jid}/r' type='chat'><body>hello</body></message><presence from='${jid}/r'><show>away</show></presence>` +
          `<presence from='${jid}' type='subscribe'/>`,
      )
      .join('') +
      `<iq type='set' from='${BOB}/phone' id='note'><x xmlns='urn:x:note'/></iq>` +
      `<iq type='get' from='${BOB}/phone' id='asked'><query xmlns='jabber:iq:version'/></iq>`,
  );
  await bob.waitFor(({ stanza }) => stanza.attrs.id === 'asked');
  // What came before it on the same pipe has been dealt with, too.
  for (const jid of ['last@x.example']) {
    await server.inject(ALICE, `<message from='${jid}/r' type='chat'><body>last</body></message>`);
    await server.inject(ALICE, `<presence from='${jid}/r'><show>xa</show></presence>`);
    await alice.see(`${jid}/log`, 'last');
    await alice.see(`${jid}/presence`, 'xa');
  }
}

describe.each(['000', '077'])('under umask %s', (umask) => {
  it('directories are 0700 and files and FIFOs 0600, whoever makes them', async () => {
    const dir = path.join(newAccount(), 'made', 'by-sj');
    const alice = startSuite(server, { dir, umask, password: null, options: ['-D'] });
    alice.child.stdin!.write('secret-alice\n');
    await alice.online();
    // The user's own files are the user's own business.
    fs.mkdirSync(path.join(dir, 'ext'), { mode: 0o700 });
    fs.writeFileSync(path.join(dir, 'ext', 'urn:x:note'), '', { mode: 0o600 });
    await live(alice);
    await alice.sh(`echo "<iq type='get' id='q1' to='${DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>" > in`);
    await alice.see('q1', '<iq');
    await alice.sh(`echo hi > ${EVE}/in`);
    await alice.see(`${EVE}/out`, '> hi');
    expect(modes(dir)).toEqual(modes(dir).map((line) => line.replace(/^\S+/, line.includes('/ ') ? '700' : '600')));
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
    const kept = modes(dir);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.filter((line) => !/^(700 .*\/ |600 .*[^/] )$/.test(line))).toEqual([]);
    expect(fs.statSync(path.dirname(dir)).mode & 0o777).toBe(0o700);
  });
});

/** Mode and name of everything, directories with a slash. */
function modes(dir: string): string[] {
  const names = ['', ...(fs.readdirSync(dir, { recursive: true }) as string[])];
  return names.map((name) => {
    const stat = fs.lstatSync(path.join(dir, name));
    return `${(stat.mode & 0o777).toString(8)} ${name}${stat.isDirectory() ? '/' : ''} `;
  });
}

describe('an account directory', () => {
  it.each([0o707, 0o1777])(
    'that anybody can write to (%o) is not used: they could put programs there',
    async (mode) => {
      const dir = newAccount();
      fs.chmodSync(dir, mode);
      const alice = startSuite(server, { dir });
      expect([await alice.ended, alice.err()]).toEqual([
        100,
        `sj: fatal: cannot use ${dir}: anybody can write there (chmod 700 ${dir})\n`,
      ]);
      expect(server.sessions()).toMatchObject([{ jid: `${BOB}/phone` }]);
    },
  );

  it('that its group can write to is used, with a warning', async () => {
    const dir = newAccount();
    fs.chmodSync(dir, 0o770);
    const alice = await startSuite(server, { dir }).online();
    expect(alice.err()).toMatch(/^sj: warning: \S+: its group can write there, [^\n]*\n$/);
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
  });
});

/** What is made or replaced, at the top and for a contact. */
const KEPT = ['.session', '.messaged.next', '.in.lock', '.roster', '.newcomers', '.xmppc'];
const TOP = ['state', 'events', ...KEPT, 'q1', 'ext/urn:x:note'];
const CONTACTS = ['id', 'in', 'out', 'log', 'presence', 'mypresence', '.in.early'];
const PLACES = [
  ...TOP,
  ...[EVE, `${'y'.repeat(238)}~${createHash('sha256').update(LONG).digest('hex').slice(0, 16)}`].flatMap((name) =>
    CONTACTS.map((file) => `${name}/${file}`),
  ),
];

/** Puts something at each of these places. */
function litter(dir: string, places: readonly string[], put: (file: string) => void): void {
  for (const place of places) {
    const file = path.join(dir, place);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    put(file);
  }
}

/** What tells that one is online elsewhere may be what has been replaced here. */
async function startOn(dir: string): Promise<Suite> {
  const alice = startSuite(server, { dir });
  await server.online(ALICE);
  return alice;
}

const ask = `echo "<iq type='get' id='q1' to='${DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>" > in`;

it('nothing is created through a link that leads nowhere', async () => {
  const dir = newAccount();
  const outside = newAccount();
  let serial = 0;
  litter(dir, PLACES, (file) => fs.symlinkSync(path.join(outside, `${serial++}`), file));
  fs.symlinkSync(path.join(outside, 'contact'), path.join(dir, 'last2@x.example'));
  const alice = await startOn(dir);
  await server.inject(ALICE, `<message from='last2@x.example/r' type='chat'><body>x</body></message>`);
  await live(alice);
  await alice.sh(ask);
  await alice.see('q1', '<iq');
  alice.child.kill('SIGTERM');
  await alice.ended;
  expect(fs.readdirSync(outside)).toEqual([]);
});

it('a link to a file elsewhere is written through only where it is a log', async () => {
  const dir = newAccount();
  const outside = newAccount();
  const LOGS = /^(out|log|events|urn:x:note)$/;
  const put = (file: string) => {
    const target = path.join(outside, path.basename(path.dirname(file)).slice(0, 9), path.basename(file));
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, 'untouched\n', { mode: 0o600 });
    fs.symlinkSync(target, file);
  };
  litter(dir, PLACES, put);
  const alice = await startOn(dir);
  await live(alice);
  await alice.sh(ask);
  await until(() => fs.lstatSync(path.join(dir, 'q1')).isFile());
  alice.child.kill('SIGTERM');
  await alice.ended;
  for (const name of fs.readdirSync(outside, { recursive: true }) as string[]) {
    if (!name.includes('/')) continue;
    const text = contents(outside, name);
    if (LOGS.test(path.basename(name))) expect(text, name).toMatch(/^untouched\n./);
    else expect(text, name).toBe('untouched\n');
  }
});

const KINDS: Record<string, (file: string) => void> = {
  'a FIFO': (file) => void execFileSync('mkfifo', [file]),
  'a device': (file) => fs.symlinkSync('/dev/zero', file),
  'a directory': (file) => fs.mkdirSync(file),
};

describe.each(Object.keys(KINDS))('%s in the place of a file', (kind) => {
  it('makes nobody wait: others are served', async () => {
    const dir = newAccount();
    // A directory of a contact's name is one, and `state` must be replaced.
    litter(
      dir,
      PLACES.filter((place) => !(kind === 'a directory' && /^(state|\.session|\.messaged.*|\.xmppc)$/.test(place))),
      KINDS[kind]!,
    );
    const alice = await startOn(dir);
    await live(alice);
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
  });

  it.each(['state', '.lock', '.sasl', '.queue', 'cert.pem', 'password', 'in'])(
    'is told where it is %s',
    async (name) => {
      const dir = newAccount();
      litter(dir, [name], KINDS[kind]!);
      const alice = startSuite(server, { dir, password: name === 'password' ? null : 'secret-alice' });
      if (name === 'state') return void (await server.online(ALICE));
      if (name === 'in' && kind === 'a FIFO') return void (await server.online(ALICE));
      expect([await alice.ended, alice.err()]).toEqual([
        name === '.queue' ? 111 : 100,
        expect.stringMatching(/^sj: fatal: cannot [^\n]+\n$/),
      ]);
      expect(alice.err()).toContain(path.join(dir, name === '.lock' ? '' : name));
    },
  );

  it.each([
    ['.journal', 'messaged'],
    ['.messaged', 'messaged'],
    ['.presences', 'presenced'],
    ['.iqs', 'iqd'],
  ])('is told where it is %s, and stanzas wait until it has gone', async (name, daemon) => {
    const dir = newAccount();
    litter(dir, [name], KINDS[kind]!);
    const alice = startSuite(server, { dir });
    await server.online(ALICE, { available: false });
    await until(() => alice.err().includes(`${daemon}: warning: cannot open ${dir}/${name}: `), alice.err);
    await server.inject(
      ALICE,
      `<message from='${BOB}/phone' type='chat'><body>kept</body></message>` +
        `<presence from='${BOB}/phone'><show>xa</show></presence>` +
        `<iq type='get' from='${BOB}/phone' id='kept'><query xmlns='jabber:iq:version'/></iq>`,
    );
    fs.rmSync(path.join(dir, name), { recursive: true });
    await alice.see(`${BOB}/out`, 'kept');
    await alice.see(`${BOB}/presence`, 'xa');
    await bob.waitFor(({ stanza }) => stanza.attrs.id === 'kept');
    await server.online(ALICE);
  });
});
