/** What the disk, the system's limits and other programs do to the files of an account while it is used. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectClient } from '../../loopback/client.ts';
import { child, NS, text } from '../../loopback/xml.ts';
import { makeDisk } from './bed/disk.ts';
import {
  ALICE,
  BOB,
  contents,
  DOMAIN,
  group,
  newAccount,
  type Suite,
  sh,
  start,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

type Conversation = {
  alice: Suite;
  /** The other side, a client of its own. */
  bob: Awaited<ReturnType<typeof connectClient>>;
  /** A message of bob's. */
  says(body: string): void;
  /** What is in `out`, which is to be what is in `log`. */
  out(): string[];
  /** What bob has got. */
  got(): string[];
  /** What alice has been warned of. */
  warnings(): string[];
};

async function conversation(dir?: string): Promise<Conversation> {
  const bed = await startBed();
  const bob = await connectClient({ ...bed, domain: DOMAIN, user: 'bob', password: 'secret-bob', resource: 'r' });
  const alice = await startSuite(bed, dir === undefined ? {} : { dir }).online();
  // Whoever has not said that it is there gets no presence.
  await bed.online(ALICE);
  await alice.chat(BOB);
  let serial = 0;
  return {
    alice,
    bob,
    says: (body) => bob.send(`<message to='${ALICE}' type='chat' id='m${serial++}'><body>${body}</body></message>`),
    out() {
      const lines = (text: string) => text.split('\n').slice(0, -1);
      const shown = lines(untimed(alice.read(BOB, 'out'))).map((line) => line.replace(/^<[^>]*> /, ''));
      const kept = lines(alice.read(BOB, 'log')).map((line): string => JSON.parse(line).body);
      return JSON.stringify(shown) === JSON.stringify(kept) ? shown : ['out and log differ', ...shown, '--', ...kept];
    },
    got: () =>
      bob
        .received()
        .map(({ stanza }) => stanza)
        .filter(({ name }) => name === 'message')
        .map((message) => text(child(message, 'body', NS.client))),
    warnings: () =>
      alice
        .err()
        .split('\n')
        .filter((line) => line.includes('warning')),
  };
}

/** Ends the session in order; nothing but what was expected has been said. */
async function over({ alice }: Conversation, ...expected: RegExp[]): Promise<void> {
  alice.child.kill('SIGTERM');
  expect(await alice.ended).toBe(0);
  for (const line of alice.err().split('\n').slice(0, -1))
    expect(
      expected.some((fits) => fits.test(line)),
      line,
    ).toBe(true);
}

const files = (dir: string) => execFileSync('find', [dir, '-name', '.tmp-*'], { encoding: 'utf8' });

const FULL = /no space left on device/;

describe('ENOSPC', () => {
  it('messages wait, both ways, and are there once when there is room; nothing is shown as sent that is not', async () => {
    const disk = await makeDisk('2m');
    const t = await conversation(disk.dir);
    t.says('before');
    await until(() => t.out().length === 1);
    disk.fill();
    t.says(`meanwhile ${'x'.repeat(5000)}`);
    t.says('more');
    // That of sj would not tell that the messages have come so far.
    await until(() => t.warnings().some((line) => line.startsWith('messaged: ') && FULL.test(line)));
    fs.writeFileSync(path.join(disk.dir, BOB, 'in'), 'said\n');
    await t.bob.iq('get', "<ping xmlns='urn:xmpp:ping'/>", DOMAIN);
    expect(t.out()).not.toContain('said');
    disk.free();
    await until(() => t.out().length === 4, t.alice.err);
    expect(t.out().toSorted()).toEqual(['before', `meanwhile ${'x'.repeat(5000)}`, 'more', 'said']);
    await until(() => t.got().length === 1);
    expect(t.got()).toEqual(['said']);
    await over(t, FULL);
    expect(files(disk.dir)).toBe('');
  });

  it('presence is shown when there is room', async () => {
    const disk = await makeDisk('2m');
    const t = await conversation(disk.dir);
    const show = () => t.alice.read(BOB, 'presence');
    t.bob.send(`<presence to='${ALICE}'><show>away</show></presence>`);
    await until(() => show() === 'away\n');
    disk.fill();
    t.bob.send(`<presence to='${ALICE}'><show>dnd</show></presence>`);
    await until(() => t.warnings().some((line) => line.startsWith('presenced: ') && FULL.test(line)));
    disk.free();
    await until(() => show() === 'dnd\n', t.alice.err);
    await over(t, FULL);
  });

  it('an answer that cannot be put into its file is told of, and those after it are there', async () => {
    const disk = await makeDisk('2m');
    const t = await conversation(disk.dir);
    const ask = (id: string) =>
      fs.writeFileSync(
        path.join(disk.dir, 'in'),
        `<iq type='get' id='${id}' to='${DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>\n`,
      );
    disk.fill();
    ask('one');
    await until(() => t.warnings().some((line) => FULL.test(line)));
    disk.free();
    ask('two');
    await t.alice.see('two', "type='result'");
    await over(t, FULL);
  });

  it('the session ends in order, and the next one begins when there is room', async () => {
    const disk = await makeDisk('2m');
    const t = await conversation(disk.dir);
    disk.fill();
    t.alice.child.kill('SIGTERM');
    expect(await t.alice.ended).toBe(0);
    const refused = startSuite({ port: 1 }, { dir: disk.dir, password: null });
    expect([await refused.ended, refused.err()]).toEqual([111, expect.stringMatching(/^(sj|xmppc): fatal: [^\n]*\n$/)]);
    disk.free();
    await conversation(disk.dir).then((again) => over(again));
  });
});

/** Runs a command as somebody whom permissions hold for, root or not. */
const BOUND = process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [];

it('EACCES: a file that must not be written is told of once, the others are written, and it when it may be', async () => {
  const dir = newAccount();
  const m = start([...BOUND, 'messaged', '-d', dir, '-j', ALICE], {});
  const line = (body: string) => `<message from='${BOB}/r' type='chat'><body>${body}</body></message>\n`;
  m.child.stdin!.write(line('one'));
  await until(() => contents(dir, BOB, 'out').endsWith('one\n'));
  const out = path.join(dir, BOB, 'out');
  fs.renameSync(out, `${out}.1`);
  fs.writeFileSync(out, '', { mode: 0 });
  m.child.stdin!.write(line('two') + line('three'));
  await until(() => contents(dir, BOB, 'log').includes('three'));
  await until(() => m.err() !== '');
  fs.chmodSync(out, 0o600);
  await until(() => contents(dir, BOB, 'out').endsWith('three\n'));
  expect(untimed(contents(dir, BOB, 'out'))).toBe(`<${BOB}/r> two\n<${BOB}/r> three\n`.replaceAll('/', '/'));
  m.child.stdin!.end();
  expect(await m.ended).toBe(0);
  expect(m.err()).toMatch(
    /^messaged: warning: cannot write \S+\/out: permission denied; it is kept and tried again\n$/,
  );
});

it('EMFILE: whoever has no descriptor left goes on when there are some again', async () => {
  const t = await conversation();
  const limit = (pid: number, most: string) => sh('/', `prlimit --pid ${pid} --nofile=${most}:`);
  // A program has its name a moment after it was started.
  const names = ['sj', 'messaged', 'presenced', 'iqd'];
  const daemons = await until(() => {
    const found = group(t.alice.child.pid!).filter(({ name }) => names.includes(name));
    return found.length === names.length ? found.map(({ pid }) => pid) : null;
  });
  const before = fs.readFileSync(`/proc/${daemons[0]}/limits`, 'latin1').match(/Max open files +(\d+)/)![1]!;
  for (const pid of daemons) await limit(pid, '3');
  const others = ['a@x.example', 'b@x.example'];
  for (const jid of others) fs.mkdirSync(path.join(t.alice.dir, jid));
  t.says('meanwhile');
  t.bob.send(`<presence to='${ALICE}'><show>dnd</show></presence>`);
  fs.writeFileSync(path.join(t.alice.dir, BOB, 'in'), 'said\n');
  await until(() => t.warnings().some((line) => /too many open files/.test(line)));
  for (const pid of daemons) await limit(pid, before);
  for (const pid of daemons) process.kill(pid, 'SIGHUP');
  await until(() => t.out().length === 2, t.alice.err);
  await until(() => t.alice.read(BOB, 'presence') === 'dnd\n', t.alice.err);
  await until(() => t.got().length === 1);
  for (const jid of others) await t.alice.chat(jid);
  await over(t, /too many open files|no descriptors left/);
});

describe('other programs', () => {
  it("put a file, a link, a directory in the place of a contact's in: it is told, and the FIFO is back when they go", async () => {
    const t = await conversation();
    const fifo = path.join(t.alice.dir, BOB, 'in');
    const elsewhere = path.join(t.alice.dir, '..', 'elsewhere');
    execFileSync('mkfifo', [elsewhere]);
    for (const make of [() => fs.symlinkSync(elsewhere, fifo), () => fs.mkdirSync(fifo)]) {
      const count = t.warnings().length;
      fs.rmSync(fifo, { recursive: true });
      make();
      process.kill(t.alice.pid('messaged'), 'SIGHUP');
      await until(() => t.warnings().length > count, t.alice.err);
      fs.rmSync(fifo, { recursive: true });
      process.kill(t.alice.pid('messaged'), 'SIGHUP');
      await t.alice.chat(BOB);
    }
    fs.writeFileSync(fifo, 'said\n');
    await until(() => t.got().length === 1);
    await over(t, /^messaged: warning: \S+\/bob@example\.org: cannot open in: (a symbolic link|not a FIFO)$/);
  });

  it('put a file or a link in the place of in itself: the session goes on, and says so', async () => {
    const t = await conversation();
    const fifo = path.join(t.alice.dir, 'in');
    fs.rmSync(fifo);
    fs.symlinkSync('/dev/null', fifo);
    t.says('meanwhile');
    await until(() => t.out().length === 1);
    await until(() => t.warnings().length > 0, t.alice.err);
    fs.rmSync(fifo);
    await until(() => fs.statSync(fifo, { throwIfNoEntry: false })?.isFIFO());
    fs.writeFileSync(fifo, `<message to='${BOB}'><body>raw</body></message>\n`);
    await until(() => t.got().length === 1);
    await over(t, /^sj: warning: /);
  });

  it("move or remove a contact's directory: the talk goes on in another one, and the old one is left alone", async () => {
    const t = await conversation();
    const place = path.join(t.alice.dir, BOB);
    t.says('one');
    await until(() => t.out().length === 1);
    fs.renameSync(place, path.join(t.alice.dir, '..', 'moved'));
    t.says('two');
    await until(() => t.out().length === 1);
    expect(t.out()).toEqual(['two']);
    await t.alice.chat(BOB);
    fs.rmSync(place, { recursive: true });
    t.says('three');
    await until(() => t.out().length === 1);
    await t.alice.chat(BOB);
    fs.writeFileSync(path.join(place, 'in'), 'said\n');
    await until(() => t.got().length === 1);
    expect(untimed(contents(t.alice.dir, '..', 'moved', 'out'))).toBe(`<${BOB}/r> one\n`);
    await over(t);
  });

  it('move the account directory away: the session ends when it is told to, and nothing is made in its place', async () => {
    const t = await conversation();
    // It starts last, and cannot without the directory.
    await until(() => group(t.alice.child.pid!).some(({ name }) => name === 'iqd'));
    fs.renameSync(t.alice.dir, `${t.alice.dir}.moved`);
    t.says('one');
    t.alice.child.kill('SIGTERM');
    expect(await t.alice.ended).toBe(0);
    expect(t.alice.err()).not.toMatch(/^ +at /m);
    expect(fs.existsSync(t.alice.dir)).toBe(false);
  });
});

describe('inotify', () => {
  it('has no watches left: it is told once, all is seen at the next look, and watched when there are some', async () => {
    const dir = newAccount();
    const argv = ['unshare', '-r', 'sh', '-c', 'echo 2 > /proc/sys/user/max_inotify_watches && exec "$@"', 'sh'];
    fs.writeFileSync(path.join(dir, 'stanzas'), '');
    const p = start([...argv, 'presenced', '-d', dir, '-o', path.join(dir, 'stanzas')], {});
    const sent = () => contents(dir, 'stanzas');
    await until(() => sent().includes('<presence'));
    const jids = ['a', 'b', 'c', 'd'].map((name) => `${name}@x.example`);
    for (const jid of jids) fs.mkdirSync(path.join(dir, jid));
    await until(() => /^presenced: warning: cannot watch .*\n$/.test(p.err()), p.err);
    for (const jid of jids) fs.writeFileSync(path.join(dir, jid, 'mypresence'), 'dnd\n');
    p.child.kill('SIGHUP');
    for (const jid of jids) await until(() => sent().includes(`to='${jid}'`));
    await sh(
      dir,
      `nsenter --preserve-credentials -U -t ${p.child.pid} sh -c 'echo 100 > /proc/sys/user/max_inotify_watches'`,
    );
    p.child.kill('SIGHUP');
    for (const jid of jids) {
      fs.writeFileSync(path.join(dir, jid, 'mypresence'), 'away\n');
      await until(() => new RegExp(`to='${jid}'[^\\n]*away`).test(sent()), p.err);
    }
    p.child.stdin!.end();
    expect(await p.ended).toBe(0);
    expect(p.err()).toMatch(/^presenced: warning: cannot watch [^\n]*\n$/);
  });

  it('drops events when there are too many: all is looked at, soon', async () => {
    const dir = newAccount();
    fs.writeFileSync(path.join(dir, 'stanzas'), '');
    const m = start(['messaged', '-d', dir, '-j', ALICE, '-o', path.join(dir, 'stanzas')], {});
    fs.mkdirSync(path.join(dir, 'first@x'));
    await until(() => fs.existsSync(path.join(dir, 'first@x', 'in')));
    const most = Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
    m.child.kill('SIGSTOP');
    for (let i = 0; i <= most; i += 2) {
      fs.writeFileSync(path.join(dir, 'noise'), '');
      fs.rmSync(path.join(dir, 'noise'));
    }
    fs.mkdirSync(path.join(dir, 'last@x'));
    m.child.kill('SIGCONT');
    await until(() => fs.existsSync(path.join(dir, 'last@x', 'in')));
    m.child.stdin!.end();
    expect(await m.ended).toBe(0);
  });
});
