import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const PRESENCED = path.resolve('bin/presenced');
const PRESENCE = path.resolve('bin/presence');

let dir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'presenced-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fs.rmSync(dir, { recursive: true, force: true });
});

const at = (...parts: string[]) => path.join(dir, ...parts);
const text = (...parts: string[]) => fs.readFileSync(at(...parts), 'utf8');
const write = (content: string, ...parts: string[]) => fs.writeFileSync(at(...parts), content);
const contact = (jid: string, mypresence?: string) => {
  fs.mkdirSync(at(jid));
  if (mypresence !== undefined) write(mypresence, jid, 'mypresence');
};
const until = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 10 });
/** Type, JID and detail of each event. */
const events = () =>
  text('events')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t').slice(1).join(' '));

/** presenced as sj runs it: stanzas on its stdin, a way back on its descriptor 3. */
function start(jid = 'me@example.org/here', more: NodeJS.ProcessEnv = {}) {
  const child = spawn(PRESENCED, ['-d', dir, '-o', '/dev/fd/3'], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, SJ_JID: jid, SJ_DIR: '/nonexistent', ...more },
  });
  children.push(child);
  let sent = '';
  let errors = '';
  let printed = '';
  (child.stdio[3] as Readable).setEncoding('utf8').on('data', (chunk: string) => (sent += chunk));
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  const exit = new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal)),
  );
  return {
    child,
    exit,
    stdin: child.stdin as Writable,
    send: (stanzas: string) => void child.stdin!.write(stanzas),
    /** What it has sent since the last call, once that is at least so many stanzas. */
    async sent(count: number): Promise<string[]> {
      await until(() => expect(sent.split('\n').length - 1).toBeGreaterThanOrEqual(count));
      const lines = sent.split('\n');
      sent = lines.pop()!;
      return lines;
    },
    get errors() {
      return errors;
    },
    get printed() {
      return printed;
    },
    end() {
      child.stdin!.end();
      return exit;
    },
  };
}

/** Reads the FIFO `in` as sj does: it stays open however often writers come and go. */
function readIn() {
  const reader = spawn('sh', ['-c', 'exec cat 0<>"$0"', at('in')], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(reader);
  return reader;
}

describe('presence of contacts', () => {
  it('shows the highest priority, then the newest, and nothing when all are gone', async () => {
    const p = start();
    p.send(`<presence from='bob@example.org/a'><show>away</show><status>lunch</status></presence>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('away lunch\n'));
    p.send(`<presence from='bob@example.org/b'><priority>5</priority></presence>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('online\n'));
    p.send(`<presence from='bob@example.org/c'><show>dnd</show><priority>-1</priority></presence>\n`);
    p.send(`<presence from='bob@example.org/b' type='unavailable'/>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('away lunch\n'));
    p.send(`<presence from='bob@example.org/a' type='unavailable'/>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('dnd\n'));
    p.send(`<presence from='bob@example.org' type='unavailable'/>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe(''));
    await until(() =>
      expect(events()).toEqual([
        'new bob@example.org ',
        'presence bob@example.org away lunch',
        'presence bob@example.org online',
        'presence bob@example.org away lunch',
        'presence bob@example.org dnd',
        'presence bob@example.org offline',
      ]),
    );
    expect(fs.statSync(at('bob@example.org')).mode & 0o777).toBe(0o700);
    expect(fs.statSync(at('bob@example.org', 'presence')).mode & 0o777).toBe(0o600);
    expect(await p.end()).toBe(0);
    expect(p.errors).toBe('');
    expect(p.printed).toBe('');
  });

  it('makes a directory for who comes online, and for nobody else', async () => {
    const p = start();
    p.send(
      [
        `<presence from='gone@example.org/r' type='unavailable'/>`,
        `<presence from='bad@example.org' type='error'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
        `<presence from='me@example.org/there'/>`,
        `<presence/>`,
        `<presence from='ask@example.org' type='subscribe'><status>it&apos;s me\tyou know</status></presence>`,
        `<presence from='yes@example.org' type='subscribed'/>`,
        `<presence from='no@example.org' type='unsubscribed'/>`,
        `<presence from='bye@example.org' type='unsubscribe'/>`,
        `<presence from='probe@example.org' type='probe'/>`,
        `<message from='msg@example.org/r'><body>hi</body></message>`,
        `<presence from='Bob@Example.ORG/r'/>`,
      ].join('\n'),
    );
    expect(await p.end()).toBe(0);
    expect(fs.readdirSync(dir).sort()).toEqual(['.newcomers', 'bob@example.org', 'events', 'out']);
    expect(events()).toEqual([
      'error bad@example.org item-not-found',
      'new bob@example.org ',
      "subscribe ask@example.org it's me you know",
      'subscribed yes@example.org ',
      'unsubscribed no@example.org ',
      'unsubscribe bye@example.org ',
      'presence bob@example.org online',
    ]);
  });

  it('keeps what a stranger sends within the tree and on one line', async () => {
    dir = at('account');
    fs.mkdirSync(dir);
    const p = start();
    const from = [
      '..',
      '../../x',
      'in',
      'state',
      '.lock',
      'a/b',
      '-rf@x.org',
      'a@x.co',
      'a@x.com',
      `${'l'.repeat(1023)}@x.org`,
      'a&#0;b@x.org',
      'a b@x.org',
      '',
    ];
    p.send(
      from
        .map((jid) => `<presence from='${jid}'><status>one\ntwo\u009b&#x2028;\u202ethree</status></presence>\n`)
        .join(''),
    );
    expect(await p.end()).toBe(0);
    const names = fs.readdirSync(dir).sort();
    expect(names.filter((name) => !name.startsWith('l'))).toEqual([
      '%2Drf@x.org',
      '%69n',
      '%73tate',
      '.newcomers',
      'a',
      'a@x.co',
      'a@x.com',
      'events',
    ]);
    const long = names.find((name) => name.startsWith('lll'))!;
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(255);
    expect(text(long, 'id')).toBe(`${'l'.repeat(1023)}@x.org\n`);
    expect(events().filter((line) => line.startsWith('presence'))).toContain(
      'presence a@x.co online one two\ufffd \ufffdthree',
    );
    expect(p.errors).toContain('skipped');
    dir = path.dirname(dir);
    expect(fs.readdirSync(dir)).toEqual(['account']);
  });

  it('shows a room as online while we are in it', async () => {
    const p = start();
    const room = 'room@rooms.example.org';
    const x = (...codes: number[]) =>
      `<x xmlns='http://jabber.org/protocol/muc#user'>${codes.map((c) => `<status code='${c}'/>`).join('')}</x>`;
    let crowd = '';
    for (let i = 0; i < 3000; i++)
      crowd += `<presence from='${room}/nick${i}'><show>away</show><status>${i}</status>${x()}</presence>\n`;
    p.send(`<presence from='${room}/me'>${x(110)}</presence>\n${crowd}`);
    for (let i = 0; i < 3000; i++) p.send(`<presence from='${room}/nick${i}' type='unavailable'>${x()}</presence>\n`);
    p.send(`<presence from='end@example.org/r'/>`);
    await until(() => expect(text('end@example.org', 'presence')).toBe('online\n'));
    expect(text(room, 'presence')).toBe('online\n');
    p.send(
      `<presence from='${room}/nick7'>${x()}</presence><presence from='${room}/me' type='unavailable'>${x(110)}</presence>\n`,
    );
    await until(() => expect(text(room, 'presence')).toBe(''));
    expect(events().filter((line) => line.includes(room))).toEqual([
      `new ${room} `,
      `presence ${room} online`,
      `presence ${room} offline`,
    ]);
    expect(await p.end()).toBe(0);
  });

  it('writes the presence of 10,000 contacts in one burst', async () => {
    // Many file systems are slow to use inodes again that other tests have just given back.
    fs.rmdirSync(dir);
    dir = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'presenced-'));
    const p = start(undefined, { SJ_LIMITS: 'new=1000000' });
    let burst = '';
    for (let i = 0; i < 10_000; i++) burst += `<presence from='c${i}@example.org/r'><show>away</show></presence>\n`;
    p.send(burst);
    p.send(burst.replaceAll('away', 'xa'));
    await until(() => expect(text('c9999@example.org', 'presence')).toBe('xa\n'));
    for (let i = 0; i < 10_000; i++) expect(text(`c${i}@example.org`, 'presence')).toBe('xa\n');
    expect(await p.end()).toBe(0);
    for (let i = 0; i < 10_000; i++) expect(text(`c${i}@example.org`, 'presence')).toBe('');
    expect(p.errors).toBe('');
  });

  it('empties every presence at start, and at the end by SIGTERM', async () => {
    contact('stale@example.org');
    write('online\n', 'stale@example.org', 'presence');
    contact('linked@example.org');
    write('not ours\n', 'elsewhere');
    fs.symlinkSync(at('elsewhere'), at('linked@example.org', 'presence'));
    const p = start();
    await until(() => expect(text('stale@example.org', 'presence')).toBe(''));
    p.send(`<presence from='bob@example.org/r'/>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('online\n'));
    p.child.kill('SIGINT');
    p.send(`<presence from='bob@example.org/r'><show>xa</show></presence>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('xa\n'));
    p.child.kill('SIGTERM');
    expect(await p.exit).toBe(0);
    expect(text('bob@example.org', 'presence')).toBe('');
    expect(text('elsewhere')).toBe('not ours\n');
  });

  it('shows what it knows in a directory that comes back', async () => {
    const p = start();
    p.send(`<presence from='bob@example.org/r'><show>chat</show></presence>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('chat\n'));
    fs.rmSync(at('bob@example.org'), { recursive: true });
    fs.mkdirSync(at('bob@example.org'));
    await until(() => expect(text('bob@example.org', 'presence')).toBe('chat\n'));
    fs.rmSync(at('bob@example.org'), { recursive: true });
    p.send(`<presence from='bob@example.org/r'><show>dnd</show></presence>\n`);
    await until(() => expect(text('bob@example.org', 'presence')).toBe('dnd\n'));
    expect(await p.end()).toBe(0);
  });

  it('goes on after what it cannot write, and writes it when it can', async () => {
    contact('bob@example.org');
    fs.mkdirSync(at('bob@example.org', 'presence'));
    const p = start();
    p.send(`<presence from='bob@example.org/r'/><presence from='eve@example.org/r'/>\n`);
    await until(() => expect(text('eve@example.org', 'presence')).toBe('online\n'));
    expect(p.errors).toMatch(/^presenced: warning: cannot write .*\/bob@example.org\/presence: /m);
    fs.rmdirSync(at('bob@example.org', 'presence'));
    p.child.kill('SIGHUP');
    await until(() => expect(text('bob@example.org', 'presence')).toBe('online\n'));
    expect(await p.end()).toBe(0);
  });
});

describe('own presence', () => {
  it('sends the initial presence, then the directed ones', async () => {
    write('away lunch & more\nsecond line\n', 'mypresence');
    contact('bob@example.org', 'dnd');
    contact('eve@example.org', 'offline');
    contact('ann@example.org');
    contact('Not@Normal.example', 'dnd');
    const p = start();
    const [first, ...directed] = await p.sent(3);
    expect(first).toBe('<presence><show>away</show><status>lunch &amp; more</status></presence>');
    expect(directed.sort()).toEqual([
      `<presence to='bob@example.org'><show>dnd</show></presence>`,
      `<presence to='eve@example.org' type='unavailable'/>`,
    ]);
    expect(await p.end()).toBe(0);
    expect(await p.sent(0)).toEqual([]);
  });

  it('sends nothing for everybody at first when the user is offline', async () => {
    write('offline\n', 'mypresence');
    contact('bob@example.org', '');
    const p = start();
    expect(await p.sent(1)).toEqual([`<presence to='bob@example.org'/>`]);
    write('\n', 'mypresence');
    expect(await p.sent(2)).toEqual(['<presence/>', `<presence to='bob@example.org'/>`]);
    write('offline see you\n', 'mypresence');
    expect(await p.sent(2)).toEqual([
      `<presence type='unavailable'><status>see you</status></presence>`,
      `<presence to='bob@example.org'/>`,
    ]);
    expect(await p.end()).toBe(0);
  });

  it('notices what changes: written, moved over, removed, touched', async () => {
    contact('bob@example.org', 'dnd');
    const p = start();
    const bob = `<presence to='bob@example.org'><show>dnd</show></presence>`;
    expect(await p.sent(2)).toEqual(['<presence/>', bob]);
    execFileSync('sh', ['-c', 'echo away soon back > mypresence'], { cwd: dir });
    expect(await p.sent(2)).toEqual(['<presence><show>away</show><status>soon back</status></presence>', bob]);
    execFileSync('sh', ['-c', 'echo xa > .new && mv .new mypresence'], { cwd: dir });
    expect(await p.sent(2)).toEqual(['<presence><show>xa</show></presence>', bob]);
    execFileSync('touch', ['mypresence'], { cwd: dir });
    execFileSync(
      'sh',
      ['-c', 'echo chat > bob@example.org/.new && mv bob@example.org/.new bob@example.org/mypresence'],
      { cwd: dir },
    );
    expect(await p.sent(1)).toEqual([`<presence to='bob@example.org'><show>chat</show></presence>`]);
    write('chat x', 'bob@example.org', 'mypresence');
    expect(await p.sent(1)).toEqual([`<presence to='bob@example.org'><show>chat</show><status>x</status></presence>`]);
    fs.rmSync(at('bob@example.org', 'mypresence'));
    expect(await p.sent(2)).toEqual([
      `<presence to='bob@example.org' type='unavailable'/>`,
      '<presence><show>xa</show></presence>',
    ]);
    fs.rmSync(at('mypresence'));
    expect(await p.sent(1)).toEqual(['<presence/>']);
    expect(await p.end()).toBe(0);
    expect(await p.sent(0)).toEqual([]);
  });

  it('notices contacts that come and go', async () => {
    const p = start();
    expect(await p.sent(1)).toEqual(['<presence/>']);
    for (let i = 0; i < 20; i++) contact(`c${i}@example.org`, 'away');
    const to = (i: number) => `<presence to='c${i}@example.org'><show>away</show></presence>`;
    expect((await p.sent(20)).sort()).toEqual(Array.from({ length: 20 }, (_, i) => to(i)).sort());
    contact('later@example.org');
    p.child.kill('SIGHUP');
    fs.rmSync(at('c0@example.org'), { recursive: true });
    fs.renameSync(at('c1@example.org'), at('moved@example.org'));
    let seen: string[] = [];
    const moved = `<presence to='moved@example.org'><show>away</show></presence>`;
    await until(async () => {
      seen = seen.concat(await p.sent(0));
      expect(seen).toEqual(
        expect.arrayContaining([
          `<presence to='c0@example.org' type='unavailable'/>`,
          `<presence to='c1@example.org' type='unavailable'/>`,
          moved,
        ]),
      );
    });
    write('dnd', 'later@example.org', 'mypresence');
    write('xa', 'moved@example.org', 'mypresence');
    await until(async () => {
      seen = seen.concat(await p.sent(0));
      expect(seen).toContain(`<presence to='later@example.org'><show>dnd</show></presence>`);
      expect(seen).toContain(`<presence to='moved@example.org'><show>xa</show></presence>`);
    });
    expect(await p.end()).toBe(0);
    expect(p.errors).toBe('');
  });

  it('watches a directory that was removed and made again', async () => {
    contact('bob@example.org', 'dnd');
    const p = start();
    await p.sent(2);
    fs.rmSync(at('bob@example.org'), { recursive: true });
    contact('bob@example.org', 'xa');
    const bob = (show: string) => `<presence to='bob@example.org'><show>${show}</show></presence>`;
    let seen: string[] = [];
    await until(async () => {
      seen = seen.concat(await p.sent(0));
      expect(seen.at(-1)).toBe(bob('xa'));
    });
    write('chat', 'bob@example.org', 'mypresence');
    await until(async () => {
      seen = seen.concat(await p.sent(0));
      expect(seen.at(-1)).toBe(bob('chat'));
    });
    expect(await p.end()).toBe(0);
  });

  it('tells nobody anything when a file cannot be read', async () => {
    execFileSync('mkfifo', [at('mypresence')]);
    contact('bob@example.org');
    fs.mkdirSync(at('bob@example.org', 'mypresence'));
    const p = start();
    await until(() => expect(p.errors).toMatch(/bob@example.org\/mypresence: not a regular file/));
    expect(p.errors).toMatch(/^presenced: warning: cannot read .*\/mypresence: not a regular file$/m);
    fs.rmSync(at('mypresence'));
    expect(await p.sent(1)).toEqual(['<presence/>']);
    expect(await p.end()).toBe(0);
  });

  it('keeps up with changes however slow the other side reads', async () => {
    const count = 2000;
    for (let i = 0; i < count; i++) contact(`c${i}@example.org`, `away ${'x'.repeat(1000)}`);
    const p = start();
    const back = p.child.stdio[3] as Readable;
    await p.sent(1);
    back.pause();
    write('dnd', 'mypresence');
    write('chat', 'c0@example.org', 'mypresence');
    write('xa', 'mypresence');
    p.child.kill('SIGHUP');
    back.resume();
    let all: string[] = [];
    await until(async () => {
      all = all.concat(await p.sent(0));
      const last = all.lastIndexOf('<presence><show>xa</show></presence>');
      expect(last).toBeGreaterThanOrEqual(0);
      const directed = new Set(all.slice(last + 1));
      expect(directed.size).toBe(count);
      expect(directed).toContain(`<presence to='c0@example.org'><show>chat</show></presence>`);
    });
    expect(await p.end()).toBe(0);
  });
});

describe('presenced alone', () => {
  const stanza = `<presence from='user@host/@res' to='me@example.org/r'>
\t<status>not here</status>
\t<priority>1</priority>
\t<c xmlns='http://jabber.org/protocol/caps' node='http://x/' ver='y'/>
</presence>
`;

  it('works with plain files', () => {
    write('', 'in');
    contact('user@host', 'test status');
    write(stanza, 'input');
    const { status, stderr } = spawnSync('sh', ['-c', '"$0" -d "$1" < "$1/input"', PRESENCED, dir], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(text('in')).toBe(`<presence/>\n<presence to='user@host'><status>test status</status></presence>\n`);
    expect(events()).toContain('presence user@host online not here');
    expect(text('user@host', 'presence')).toBe('');
  });

  it('works with FIFOs, on another descriptor', async () => {
    execFileSync('mkfifo', [at('in'), at('feed')]);
    contact('user@host', 'away');
    const reader = readIn();
    const child = spawn('sh', ['-c', 'exec 3<"$1/feed"; exec "$0" -d "$1" -i 3', PRESENCED, dir], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    let sent = '';
    reader.stdout.setEncoding('utf8').on('data', (chunk: string) => (sent += chunk));
    const feed = fs.openSync(at('feed'), 'w');
    fs.writeSync(feed, stanza);
    await until(() => expect(text('user@host', 'presence')).toBe('online not here\n'));
    await until(() => expect(sent).toBe(`<presence/>\n<presence to='user@host'><show>away</show></presence>\n`));
    const exit = new Promise((resolve) => child.on('close', resolve));
    fs.closeSync(feed);
    expect(await exit).toBe(0);
  });

  it('says that sj is not running, once, and begins again when it is', async () => {
    execFileSync('mkfifo', [at('in')]);
    contact('bob@example.org', 'away');
    const child = spawn(PRESENCED, ['-d', dir], { stdio: ['pipe', 'ignore', 'pipe'] });
    children.push(child);
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
    await until(() => expect(errors).toBe(`presenced: warning: cannot write ${at('in')}: sj is not running\n`));
    const reader = readIn();
    let sent = '';
    reader.stdout.setEncoding('utf8').on('data', (chunk: string) => (sent += chunk));
    await until(() => {
      child.kill('SIGHUP');
      expect(sent).toBe(`<presence/>\n<presence to='bob@example.org'><show>away</show></presence>\n`);
    });
    const exit = new Promise((resolve) => child.on('close', resolve));
    child.stdin.end();
    expect(await exit).toBe(0);
  });

  it('refuses what it cannot work with', () => {
    const fails = (...args: string[]) => {
      const { status, stderr } = spawnSync(PRESENCED, args, { encoding: 'utf8', input: '' });
      expect(status).toBe(100);
      return stderr;
    };
    expect(fails('-d', at('nowhere'))).toMatch(/^presenced: fatal: cannot open .*nowhere: no such file or directory$/m);
    expect(fails('-d', dir, '-i', '77')).toMatch(/^presenced: fatal: nothing to read on descriptor 77$/m);
    expect(fails('-d', dir, '-i', 'x')).toMatch(/^presenced: fatal: /m);
    expect(fails('-d', dir, 'x')).toMatch(/^usage: presenced /m);
    expect(fails('-q')).toMatch(/^usage: presenced /m);
  });
});

describe('presence', () => {
  const presence = (args: string[], env = {}, cwd = dir) =>
    spawnSync(PRESENCE, args, { encoding: 'utf8', cwd, env: { ...process.env, SJ_DIR: '', ...env } });

  it('writes one stanza where the account is', () => {
    write('', 'in');
    expect(presence(['-d', dir, '-s', 'away', '-S', `<&>"'`, '-p', '5']).status).toBe(0);
    expect(presence(['-t', 'bob@example.org/x', 'subscribed'], { SJ_DIR: dir }).status).toBe(0);
    fs.mkdirSync(at('xmpp'));
    write('', 'xmpp', 'in');
    expect(presence(['unavailable']).status).toBe(0);
    expect(text('in')).toBe(
      `<presence><show>away</show><status>&lt;&amp;&gt;&quot;&apos;</status><priority>5</priority></presence>\n<presence to='bob@example.org' type='subscribed'/>\n`,
    );
    expect(text('xmpp', 'in')).toBe(`<presence type='unavailable'/>\n`);
  });

  it('writes into the FIFO that sj reads, a long status as well', async () => {
    execFileSync('mkfifo', [at('in')]);
    const reader = readIn();
    let read = '';
    reader.stdout.setEncoding('utf8').on('data', (chunk: string) => (read += chunk));
    const hold = await new Promise<number>((resolve, reject) =>
      fs.open(at('in'), 'w', (error, fd) => (error ? reject(error) : resolve(fd))),
    );
    expect(presence(['-d', dir, '-S', 'é'.repeat(40_000)]).status).toBe(0);
    fs.closeSync(hold);
    await until(() => expect(read).toBe(`<presence><status>${'é'.repeat(40_000)}</status></presence>\n`));
    expect(fs.readdirSync(dir)).toEqual(['in']);
  });

  it('says when sj is not there', () => {
    execFileSync('mkdir', [at('xmpp')]);
    execFileSync('mkfifo', [at('xmpp/in')]);
    const refused = presence(['-s', 'xa']);
    expect([refused.status, refused.stderr]).toEqual([
      111,
      'presence: fatal: cannot write xmpp/in: sj is not running\n',
    ]);
    const missing = presence(['-d', 'nowhere']);
    expect([missing.status, missing.stderr]).toEqual([
      100,
      'presence: fatal: cannot open nowhere: no such file or directory\n',
    ]);
  });

  it('sends nothing that is not a presence stanza', () => {
    write('', 'in');
    for (const args of [
      ['-t', 'not a jid', 'subscribe'],
      ['-t', `'/><iq/>`, 'subscribe'],
      ['subscribe'],
      ['-s', 'gone'],
      ['-p', '200'],
      ['probe'],
      ['-t', 'a@b', 'subscribe', 'subscribe'],
      ['-x'],
    ]) {
      const { status, stderr } = presence(['-d', dir, ...args]);
      expect(status).toBe(100);
      expect(stderr).toMatch(/^presence: fatal: .*\nusage: presence /);
    }
    expect(text('in')).toBe('');
  });
});
