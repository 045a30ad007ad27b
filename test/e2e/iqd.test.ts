// iqd and roster as people run them: the built programs, on their own, with files, FIFOs and descriptors.
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const IQD = resolve('bin/iqd');
const ROSTER = resolve('bin/roster');
const PING = `<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>`;
const PONG = `<iq type='result' id='p1'/>`;

let root: string;
let dir: string;
const path = (...names: string[]) => join(dir, ...names);
const read = (name: string) => fs.readFileSync(path(name), 'utf8');
const everything = () => fs.readdirSync(root, { recursive: true }).sort();

beforeEach(() => {
  root = fs.mkdtempSync(join(os.tmpdir(), 'sj-iqd-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  dir = join(root, 'tmp');
  fs.mkdirSync(path('ext'), { recursive: true });
  fs.writeFileSync(path('in'), '');
});

function start(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const { SJ_DIR, SJ_EXT, SJ_JID, ...env } = process.env;
  const child = spawn(program, args, { ...options, env: { ...env, ...options.env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function finish(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  const [out, err, [code]] = await Promise.all([
    text(child.stdout ?? new PassThrough().end()),
    text(child.stderr ?? new PassThrough().end()),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { code, out, err };
}

/** Runs iqd on some text to its end. */
function iqd(input: string, env: NodeJS.ProcessEnv = {}, args: readonly string[] = []) {
  const child = start(IQD, ['-d', dir, ...args], { env });
  child.stdin!.end(input);
  return finish(child);
}

/** iqd as sj runs it: stanzas in on descriptor 0, out on descriptor 3. */
function daemon(env: NodeJS.ProcessEnv = {}) {
  const child = start(IQD, ['-d', dir, '-o', '/dev/fd/3'], { env, stdio: ['pipe', 'inherit', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
  return { child, stdin: child.stdin as Writable, line: async () => (await lines.next()).value as string | undefined };
}

function script(name: string, body: string): void {
  fs.writeFileSync(path('ext', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

describe('iqd alone', () => {
  it('puts answers into files, however the stanzas are laid out', async () => {
    const stanza = `<iq type='result' id='1234'\n  from="example.org">\n  <query xmlns="jabber:iq:version"/>\n</iq>`;
    expect(await iqd(`\n${stanza}\n\n<iq type='error' id='e.1'/><message><body>no</body></message>`)).toMatchObject({
      code: 0,
      out: '',
      err: '',
    });
    expect(read('1234')).toBe(
      `<iq type='result' id='1234' from='example.org'>&#10;  <query xmlns='jabber:iq:version'/>&#10;</iq>\n`,
    );
    expect(read('e.1')).toBe(`<iq type='error' id='e.1'/>\n`);
    expect(read('in')).toBe('');
  });

  it('reads a plain file', async () => {
    fs.writeFileSync(path('iq.xml'), `<iq type='result' id='1234'/>`);
    const fd = fs.openSync(path('iq.xml'), 'r');
    expect(await finish(start(IQD, ['-d', dir], { stdio: [fd, 'pipe', 'pipe'] }))).toMatchObject({ code: 0, err: '' });
    fs.closeSync(fd);
    expect(fs.existsSync(path('1234'))).toBe(true);
  });

  it('answers into `in`, by the shipped handlers', async () => {
    expect(await iqd(`${PING}<iq type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>`)).toMatchObject({
      code: 0,
      err: '',
    });
    const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string };
    expect(read('in').trimEnd().split('\n').sort()).toEqual([
      PONG,
      `<iq type='result' id='v1'><query xmlns='jabber:iq:version'><name>sj</name><version>${version}</version>` +
        `<os>${execFileSync('uname', ['-s']).toString().trim()}</os></query></iq>`,
    ]);
  });

  it('finds them by the real path of the program, or where SJ_EXT says', async () => {
    fs.symlinkSync(IQD, path('link'));
    const child = start(path('link'), ['-d', dir]);
    child.stdin!.end(PING);
    expect(await finish(child)).toMatchObject({ code: 0, err: '' });
    expect(read('in')).toBe(`${PONG}\n`);
    fs.truncateSync(path('in'));
    await iqd(PING, { SJ_EXT: root });
    expect(read('in')).toContain('service-unavailable');
  });

  it('runs a handler that is a link to a program elsewhere and writes its answer itself', async () => {
    const program = join(root, 'xmpp_time');
    fs.writeFileSync(program, `#!/bin/sh\nprintf "<iq type='result' id='%s'/>" "$IQ_ID" >"$2/in"\n`, { mode: 0o755 });
    fs.symlinkSync(program, path('ext', 'urn:xmpp:time'));
    expect(await iqd(`<iq type='get' id='t1' from='a@b'><time xmlns='urn:xmpp:time'/></iq>`)).toMatchObject({
      code: 0,
      err: '',
    });
    expect(read('in')).toBe(`<iq type='result' id='t1'/>`);
  });

  it('skips other stanzas and says a word about garbage', async () => {
    const { code, err } = await iqd(
      `<iq xmlns='urn:blub' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq><iq type='get' id='2'></wrong>\n${PING}`,
    );
    expect([code, read('in')]).toEqual([0, `${PONG}\n`]);
    expect(err).toMatch(/^iqd: warning: /);
  });

  it('writes nothing outside, whatever is asked', async () => {
    fs.writeFileSync(join(root, '.profile'), '');
    fs.symlinkSync('../.profile', path('link'));
    const ids = [
      '../../.profile',
      '../.profile',
      '..',
      'in',
      'ext',
      '.lock',
      'x'.repeat(65),
      '$(touch pwned)',
      '/tmp/x',
      'a\u0085b',
    ];
    const spaces = ['../../x', '../.profile', 'a/b', '%2F', '..', 'x'.repeat(300), ';touch pwned', '$(touch pwned)'];
    const before = everything();
    const { code } = await iqd(
      ids.map((id) => `<iq type='result' id='${id}'/>`).join('\n') +
        spaces.map((ns, i) => `<iq type='set' id='${i}' from='$(touch pwned)'><x xmlns='${ns}'/></iq>`).join('\n') +
        `<iq type='result' id='link'/>`,
    );
    expect(code).toBe(0);
    expect(everything()).toEqual(before);
    expect(fs.readFileSync(join(root, '.profile'), 'utf8')).toBe('');
    expect(fs.lstatSync(path('link')).isFile()).toBe(true);
    expect(read('in').trimEnd().split('\n')).toHaveLength(spaces.length);
    expect(fs.existsSync('pwned')).toBe(false);
  });

  it('drops an answer that nobody reads from its FIFO', async () => {
    execFileSync('mkfifo', [path('q1')]);
    const { code, err } = await iqd(`<iq type='result' id='q1'/>`);
    expect([code, err]).toEqual([0, 'iqd: warning: dropped the answer q1: nobody reads it\n']);
    expect(read('events')).toMatch(/^\d+\.\d{3}\terror\t-\tanswer q1: nobody reads it\n$/);
  });

  it('tells that sj is not running', async () => {
    fs.rmSync(path('in'));
    execFileSync('mkfifo', [path('in')]);
    expect(await iqd(PING)).toMatchObject({
      code: 0,
      err: `iqd: warning: cannot write ${path('in')}: sj is not running\n`,
    });
  });

  it('takes roster pushes only from the own account', async () => {
    const push = (from: string) => `<iq type='set' id='${from}' from='${from}'><query xmlns='jabber:iq:roster'/></iq>`;
    await iqd(push('alice@example.org') + push('mallory@example.org'), { SJ_JID: 'alice@example.org' });
    expect(read('in')).toMatch(
      /^<iq type='result' id='alice@example.org' to='alice@example.org'\/>\n<iq type='error' id='mallory@example.org' .*<service-unavailable .*\n$/,
    );
  });

  it.each([
    [['-x'], 'unknown option -x'],
    [['more'], 'too many arguments'],
    [['-i', '9'], 'nothing to read on descriptor 9'],
    [['-i', 'x'], 'option -i: not a descriptor: x'],
    [['-d', '/nonexistent'], 'cannot open /nonexistent: no such file or directory'],
    [['-o', '/dev/fd/9'], 'option -o: cannot write /dev/fd/9'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await iqd('', {}, args);
    expect(code).toBe(100);
    expect(err).toContain(`iqd: fatal: ${message}`);
  });
});

describe('iqd under sj', () => {
  it('answers on its descriptor and ends with its input', async () => {
    const { child, stdin, line } = daemon();
    stdin.write(`${PING}\n`);
    expect(await line()).toBe(PONG);
    stdin.end();
    expect((await finish(child)).code).toBe(0);
    expect(read('in')).toBe('');
  });

  it('ends on SIGTERM with its input open, and not on SIGINT and SIGHUP', async () => {
    const { child, stdin, line } = daemon();
    stdin.write(PING);
    await line();
    child.kill('SIGINT');
    child.kill('SIGHUP');
    stdin.write(PING);
    expect(await line()).toBe(PONG);
    child.kill('SIGTERM');
    expect(await finish(child)).toMatchObject({ code: 0, err: '' });
  });

  it('lets handlers finish, and ends those that do not', async () => {
    script('urn:quick', 'touch "$2/started"; while [ ! -e "$2/go" ]; do sleep 0.05; done; echo');
    const { child, stdin, line } = daemon();
    const started = new Promise<void>((resolve) => {
      const watcher = fs.watch(dir, (_, name) => name === 'started' && resolve());
      onTestFinished(() => watcher.close());
    });
    stdin.write(`<iq type='get' id='1'><x xmlns='urn:quick'/></iq>`);
    await started;
    stdin.end();
    fs.writeFileSync(path('go'), '');
    expect(await line()).toBe(`<iq type='result' id='1'/>`);
    expect((await finish(child)).code).toBe(0);

    script('urn:slow', 'exec sleep 1000');
    const slow = daemon();
    slow.stdin.end(`<iq type='get' id='1'><x xmlns='urn:slow'/></iq>`);
    expect(await slow.line()).toContain('internal-server-error');
    expect((await finish(slow.child)).code).toBe(0);
  });

  it('serves a reader who comes late to a FIFO, and others meanwhile', async () => {
    execFileSync('mkfifo', [path('q1')]);
    const { child, stdin, line } = daemon();
    const large = `<iq type='result' id='q1'>${'x'.repeat(200_000)}</iq>`;
    stdin.write(`${large}\n${PING}\n`);
    expect(await line()).toBe(PONG);
    const cat = start('cat', [path('q1')]);
    expect((await finish(cat)).out).toBe(`${large}\n`);
    stdin.end();
    expect(await finish(child)).toMatchObject({ code: 0, err: '' });
  });
});

describe('roster', () => {
  const roster = (...args: string[]) =>
    finish(start(ROSTER, ['-d', dir, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));

  /** Is sj: what is in `in` is answered by way of a real iqd. */
  function server(...answers: ((id: string) => string)[]): { asked: () => string } {
    const { stdin } = daemon();
    let asked = '';
    let answered = 0;
    const watcher = fs.watch(path('in'), () => {
      asked = read('in');
      const ids = Array.from(asked.matchAll(/ id='(roster-[0-9a-f]{32})'/g), ([, id]) => id!);
      for (const id of ids.slice(answered)) stdin.write(`${answers[answered++]!(id)}\n`);
      if (answered < answers.length) return;
      watcher.close();
      stdin.end();
    });
    onTestFinished(() => watcher.close());
    return { asked: () => asked.replace(/roster-[0-9a-f]{32}/g, 'ID') };
  }

  it('lists', async () => {
    const items = `<item jid='bob@example.org' name='B&#10;o&#27;b' subscription='both'/>`.replace('&#27;', '&#x85;');
    const it = server(
      (id) =>
        `<iq type='result' id='${id}'><query xmlns='jabber:iq:roster'>${items}<item jid='alice@example.org'/></query></iq>`,
    );
    expect(await roster()).toEqual({
      code: 0,
      out: 'alice@example.org\tnone\t\nbob@example.org\tboth\tB\ufffdo\ufffdb\n',
      err: '',
    });
    expect(it.asked()).toBe(`<iq type='get' id='ID'><query xmlns='jabber:iq:roster'/></iq>\n`);
    expect(fs.readdirSync(dir).sort()).toEqual(['ext', 'in']);
  });

  it('lists groups, and requests that are open', async () => {
    server(
      (id) =>
        `<iq type='result' id='${id}'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' ask='subscribe' ` +
        `subscription='from'><group>friends</group><group>chess&#9;club</group></item></query></iq>`,
    );
    expect(await roster()).toEqual({
      code: 0,
      out: 'bob@example.org\tfrom asked\t\tfriends\tchess\ufffdclub\n',
      err: '',
    });
  });

  it.each(["<query xmlns='urn:x'><item jid='b@c'/></query>", '', "<item xmlns='jabber:iq:roster' jid='b@c'/>"])(
    'refuses an answer that holds no contact list: %j',
    async (payload) => {
      server((id) => `<iq type='result' id='${id}'>${payload}</iq>`);
      expect(await roster()).toEqual({
        code: 76,
        out: '',
        err: 'roster: fatal: the answer holds no contact list\n',
      });
    },
  );

  it('ends in silence where its reader has gone', async () => {
    const items = Array.from({ length: 20_000 }, (_, i) => `<item jid='contact${i}@example.org'/>`).join('');
    server((id) => `<iq type='result' id='${id}'><query xmlns='jabber:iq:roster'>${items}</query></iq>`);
    const script = '{ "$1" -d "$2"; echo "code $?" >&2; } | head -n 1';
    const child = start('sh', ['-c', script, 'sh', ROSTER, dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await finish(child)).toEqual({ code: 0, out: 'contact0@example.org\tnone\t\n', err: 'code 0\n' });
  });

  it('tells that its output cannot be written', async () => {
    const full = fs.openSync('/dev/full', 'w');
    onTestFinished(() => fs.closeSync(full));
    server((id) => `<iq type='result' id='${id}'><query xmlns='jabber:iq:roster'><item jid='b@c'/></query></iq>`);
    const child = start(ROSTER, ['-d', dir], { stdio: ['ignore', full, 'pipe'] });
    expect(await finish(child)).toEqual({
      code: 111,
      out: '',
      err: 'roster: fatal: cannot write standard output: no space left on device\n',
    });
  });

  it.each([
    ['foo@bar.example:5222', 'foo@bar.example:5222'],
    ['example.org,', 'example.org,'],
    ['no jid@', 'no jid@'],
    ['Bob@Example.ORG', 'bob@example.org'],
  ])('removes %j as the server has it', async (given, sent) => {
    const it = server((id) => `<iq type='result' id='${id}'/>`);
    expect(await roster('-r', given)).toEqual({ code: 0, out: '', err: '' });
    expect(it.asked()).toContain(`<item jid='${sent}' subscription='remove'/>`);
  });

  it('removes an address that the server has not in normal form', async () => {
    const it = server(
      (id) =>
        `<iq type='error' id='${id}'><error type='modify'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
      (id) => `<iq type='result' id='${id}'/>`,
    );
    expect(await roster('-r', 'Bob@Example.ORG/x')).toEqual({ code: 0, out: '', err: '' });
    expect(it.asked()).toMatch(/jid='bob@example.org'.*\n.*jid='Bob@Example.ORG\/x'/);
  });

  it('removes an address of which it does not show all', async () => {
    const it = server(
      (id) => `<iq type='result' id='${id}'><query xmlns='jabber:iq:roster'><item jid='b&#x85;c@d'/></query></iq>`,
      (id) => `<iq type='result' id='${id}'/>`,
    );
    expect(await roster('-r', 'b\ufffdc@d')).toEqual({ code: 0, out: '', err: '' });
    expect(it.asked()).toContain(`jid='b\u0085c@d' subscription='remove'`);
  });

  it('adds and removes', async () => {
    const done = (id: string) => `<iq type='result' id='${id}'/>`;
    const adding = server(done);
    expect(await roster('-a', 'Bob@Example.ORG/x', '-n', `B'o<b`, '-g', 'Friends & foes')).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    expect(adding.asked()).toBe(
      `<iq type='set' id='ID'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' name='B&apos;o&lt;b'>` +
        `<group>Friends &amp; foes</group></item></query></iq>\n`,
    );
    fs.truncateSync(path('in'));
    const removing = server(done);
    expect(await roster('-r', 'bob@example.org')).toEqual({ code: 0, out: '', err: '' });
    expect(removing.asked()).toContain(`<item jid='bob@example.org' subscription='remove'/>`);
  });

  it('tells why not', async () => {
    const error = (type: string, condition: string) => (id: string) =>
      `<iq type='error' id='${id}'><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`;
    server(error('cancel', 'item-not-found'));
    expect(await roster('-r', 'bob@example.org')).toEqual({
      code: 100,
      out: '',
      err: 'roster: fatal: item-not-found\n',
    });
    fs.truncateSync(path('in'));
    server(error('wait', 'resource-constraint'));
    expect(await roster()).toEqual({ code: 111, out: '', err: 'roster: fatal: resource-constraint\n' });
    fs.rmSync(path('in'));
    execFileSync('mkfifo', [path('in')]);
    expect(await roster()).toEqual({
      code: 111,
      out: '',
      err: `roster: fatal: cannot write ${path('in')}: sj is not running\n`,
    });
  });

  it.each([
    ['-a', 'not a jid@'],
    ['-r', ''],
    ['-n', 'Bob'],
    ['-a', 'b@c', '-r', 'b@c'],
    ['more'],
    ['-x'],
    ['-a', 'b@c', '-n', 'B\u0007b'],
    ['-a', 'b@c', '-g', 'good', '-g', '\u001b[31m'],
    ['-r', 'b\u0001c@d'],
  ])('refuses %j %j', async (...args) => {
    const { code, err } = await roster(...args);
    expect(code).toBe(100);
    expect(err).toMatch(/^roster: fatal: .*\nusage: roster /);
    expect(read('in')).toBe('');
  });
});
