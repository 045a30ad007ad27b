import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseElement } from '../../lib/xml/tree.ts';

const MESSAGED = path.resolve('bin/messaged');
const ME = 'me@server.org';

function scratch(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-messaged-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function run(
  cwd: string,
  command: string,
  args: readonly string[],
  stdio: ('pipe' | number)[],
  env: NodeJS.ProcessEnv = {},
) {
  const child: ChildProcess = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env }, detached: true });
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {}
  });
  return child;
}

/** Runs a shell script to its end. */
async function sh(cwd: string, script: string, ...args: string[]): Promise<void> {
  const child = run(cwd, 'sh', ['-c', script, 'sh', ...args], ['pipe', 'pipe', 'pipe']);
  child.stdin!.end();
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`exit code ${code}: ${await text(child.stderr!)}`);
}

const mkfifo = (cwd: string, ...names: string[]) => sh(cwd, 'mkfifo -m 600 "$@"', ...names);

/** Runs messaged on `tmp` in a fresh directory, or one that is there, as a user would run it alone. */
function messaged(dir: string, args: readonly string[] = ['-j', ME, '-d', 'tmp'], env: NodeJS.ProcessEnv = {}) {
  const child = run(dir, MESSAGED, args, ['pipe', 'pipe', 'pipe'], env);
  const err = text(child.stderr!);
  const ended = Promise.all([once(child, 'exit'), err]).then(([[code]]) => code as number | null);
  child.stdin!.on('error', () => {});
  return {
    child,
    err,
    ended,
    feed: (stanzas: string) => void child.stdin!.write(stanzas),
    end(stanzas = '') {
      child.stdin!.end(stanzas);
      return ended;
    },
  };
}

function tree() {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'tmp'));
  const at = (...names: string[]) => path.join(dir, 'tmp', ...names);
  const read = (...names: string[]) => (fs.existsSync(at(...names)) ? fs.readFileSync(at(...names), 'utf8') : '');
  const records = (...names: string[]) =>
    read(...names)
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return { dir, at, read, records };
}

const untimed = (out: string) => out.replaceAll(/^\d{4}-\d\d-\d\d \d\d:\d\d /gm, '');
const bodies = (stanzas: string) =>
  stanzas
    .split('\n')
    .slice(0, -1)
    .map((line) => parseElement(line).getChildText('body'));
const stanza = (from: string, body: string) =>
  `<message from='${from}' to='${ME}' type='chat'><body>${body}</body></message>\n`;

it('messaged tells of a message of a contact after strangers have filled their part of events', async () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'tmp'));
  fs.writeFileSync(path.join(dir, 'tmp', '.roster'), 'bob@x\tboth\n');
  const m = messaged(dir);
  for (let i = 0; i < 8000; i++)
    m.feed(`<message from='eve@y' type='chat' id='${i}'><body>${'spam '.repeat(20)}</body></message>\n`);
  await m.end(`<message from='bob@x' type='chat'><body>are you there</body></message>\n`);
  const events = fs.readFileSync(path.join(dir, 'tmp', 'events'), 'utf8').split('\n');
  expect(events.filter((line) => line.includes('\tbob@x\tare you there'))).toHaveLength(1);
  const told = events.filter((line) => line.includes('\tmessage\teve@y'));
  expect(told.length).toBeGreaterThan(1000);
  expect(told.length).toBeLessThan(4000);
  expect(
    events.filter((line) => line.includes('events of people who are not in the roster are left out')),
  ).toHaveLength(1);
});

describe('alone', () => {
  it('writes down messages from a file, with a plain file for its in', async () => {
    const { dir, read, records, at } = tree();
    fs.writeFileSync(at('in'), '');
    fs.writeFileSync(
      path.join(dir, 'message.xml'),
      `<message from="cari@server.org/go-sendxmpp.1" to="me@server.org" type="chat">
        <body>Hello
World &lt;3</body>
      </message>
      <presence from='x@y'/> <iq type='get' id='1'/>
      <message from='../../evil@x' type='chat'><body>x</body></message>
      <message from='a@x.com'><body>second</body></message>`,
    );
    const child = run(dir, 'sh', ['-c', `exec "${MESSAGED}" -j ${ME} -d tmp < message.xml`], ['pipe', 'pipe', 'pipe']);
    const [code] = await once(child, 'exit');
    expect([code, await text(child.stderr!)]).toEqual([0, '']);
    expect(untimed(read('cari@server.org', 'out'))).toBe(
      '<cari@server.org/go-sendxmpp.1> Hello\n<cari@server.org/go-sendxmpp.1> World <3\n',
    );
    expect(records('cari@server.org', 'log')).toEqual([
      expect.objectContaining({ body: 'Hello\nWorld <3', dir: 'in' }),
    ]);
    expect(untimed(read('a@x.com', 'out'))).toBe('<a@x.com> second\n');
    expect(fs.readdirSync(at()).sort()).toEqual(['.newcomers', 'a@x.com', 'cari@server.org', 'events', 'in', 'out']);
    expect(fs.readdirSync(at('a@x.com')).sort()).toEqual(['id', 'in', 'log', 'out']);
    for (const name of ['in', 'out', 'log', 'id']) expect(fs.lstatSync(at('a@x.com', name)).mode & 0o777).toBe(0o600);
    expect(fs.lstatSync(at('a@x.com')).mode & 0o777).toBe(0o700);
    expect(read('in')).toBe('');
    expect(fs.readdirSync(dir).sort()).toEqual(['message.xml', 'tmp']);
  });

  it('sends the line of one who waited in open() before it was started', async () => {
    const { dir, at, read } = tree();
    fs.writeFileSync(at('in'), '');
    fs.mkdirSync(at('bob@x'));
    await mkfifo(dir, 'tmp/bob@x/in');
    await sh(dir, `(echo hi > tmp/bob@x/in) & echo "" | "${MESSAGED}" -j ${ME} -d tmp && wait`);
    expect(bodies(read('in'))).toEqual(['hi']);
    expect(untimed(read('bob@x', 'out'))).toBe(`<${ME}> hi\n`);
  });

  it('sends into a FIFO that somebody reads', async () => {
    const { dir, at, read } = tree();
    await mkfifo(dir, 'tmp/in');
    fs.mkdirSync(at('bob@x'));
    const reader = run(dir, 'sh', ['-c', 'exec cat <> tmp/in > got'], ['pipe', 'pipe', 'pipe']);
    const m = messaged(dir);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    await sh(dir, 'printf "one\\ntwo" > tmp/bob@x/in');
    await until(() => untimed(read('bob@x', 'out')).split('\n').length === 3);
    await m.end();
    await until(() => fs.readFileSync(path.join(dir, 'got'), 'utf8').split('\n').length === 3);
    reader.kill();
    expect(bodies(fs.readFileSync(path.join(dir, 'got'), 'utf8'))).toEqual(['one', 'two']);
    expect([await m.ended, await m.err]).toEqual([0, '']);
  });

  it.each(['missing', 'a FIFO that nobody reads'])('answers each line when in is %s', async (what) => {
    const { dir, at, read, records } = tree();
    if (what !== 'missing') await mkfifo(dir, 'tmp/in');
    fs.mkdirSync(at('bob@x'));
    const m = messaged(dir);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    await sh(dir, 'printf "one\\ntwo\\n" > tmp/bob@x/in');
    expect(await m.end(stanza('bob@x/r', 'still here'))).toBe(0);
    const out = untimed(read('bob@x', 'out')).split('\n').sort();
    expect(out).toEqual(['', '-!- not sent (offline): one', '-!- not sent (offline): two', '<bob@x/r> still here']);
    expect(
      records('bob@x', 'log')
        .map((r) => [r.dir, r.body])
        .sort(),
    ).toEqual([
      ['in', 'still here'],
      ['refused', 'one'],
      ['refused', 'two'],
    ]);
    expect((await m.err).split('\n')).toEqual([
      expect.stringMatching(/^messaged: warning: cannot write tmp\/in: /),
      '',
    ]);
    expect(fs.existsSync(at('in'))).toBe(what !== 'missing');
  });

  it('reads from another descriptor and writes to another file', async () => {
    const { dir, at, read } = tree();
    fs.writeFileSync(path.join(dir, 'sent'), '');
    fs.writeFileSync(path.join(dir, 'stanzas'), stanza('bob@x', 'hi'));
    fs.mkdirSync(at('bob@x'));
    await mkfifo(dir, 'tmp/bob@x/in');
    await sh(
      dir,
      `(echo yes > tmp/bob@x/in) & "${MESSAGED}" -j ${ME}/res -d tmp -o sent -i 5 5< stanzas < /dev/null && wait`,
    );
    expect(bodies(fs.readFileSync(path.join(dir, 'sent'), 'utf8'))).toEqual(['yes']);
    expect(untimed(read('bob@x', 'out')).split('\n').sort()).toEqual(['', '<bob@x> hi', `<${ME}> yes`]);
  });

  it('takes the directory and the stamp from the environment', async () => {
    const { dir, read } = tree();
    const m = messaged(dir, ['-j', ME], { SJ_DIR: 'tmp', SJ_STAMP: 'epoch' });
    await m.end(stanza('bob@x', 'hi'));
    expect(read('bob@x', 'out')).toMatch(/^\d{10,} <bob@x> hi\n$/);
  });

  it.each([
    [[], /whose messages/],
    [['-j', 'a b'], /not a JID/],
    [['-j', ME, '-d', 'nowhere'], /cannot open nowhere: no such file/],
    [['-j', ME, '-d', 'tmp', '-i', '9'], /descriptor 9/],
    [['-j', ME, '-d', 'tmp', '-o', '/dev/fd/9'], /cannot write \/dev\/fd\/9/],
    [['-j', ME, '-d', 'tmp', 'more'], /too many arguments/],
    [['-z'], /unknown option/],
  ] as const)('does not start with %j', async (args, why) => {
    const { dir } = tree();
    const m = messaged(dir, args);
    expect(await m.ended).toBe(100);
    expect(await m.err).toMatch(/^messaged: fatal: /);
    expect(await m.err).toMatch(why);
  });
});

describe('while it runs', () => {
  it('makes the directory of a stranger usable at once', async () => {
    const { dir, at, read } = tree();
    fs.writeFileSync(at('in'), '');
    const m = messaged(dir);
    m.feed(stanza('eve@x/r', 'knock'));
    await until(() => fs.existsSync(at('eve@x', 'in')));
    await sh(dir, 'echo who is there > tmp/eve@x/in');
    await until(() => read('in') !== '');
    expect(await m.end()).toBe(0);
    expect(untimed(read('eve@x', 'out'))).toBe(`<eve@x/r> knock\n<${ME}> who is there\n`);
    expect(
      read('events')
        .split('\n')
        .map((line) => line.split('\t').slice(1)),
    ).toEqual([['new', 'eve@x', ''], ['message', 'eve@x', 'knock'], []]);
  });

  it('notices directories that come and go', async () => {
    const { dir, at, read } = tree();
    fs.writeFileSync(at('in'), '');
    const m = messaged(dir);
    fs.mkdirSync(at('bob@x'));
    await until(() => fs.existsSync(at('bob@x', 'in')));
    await sh(dir, 'echo one > tmp/bob@x/in');
    await until(() => read('bob@x', 'out') !== '');
    fs.rmSync(at('bob@x'), { recursive: true });
    fs.mkdirSync(at('bob@x'));
    await until(() => fs.existsSync(at('bob@x', 'in')));
    await sh(dir, 'echo two > tmp/bob@x/in');
    await until(() => bodies(read('in')).length === 2);
    // What is done within the directory is found when it is told to look.
    fs.rmSync(at('bob@x', 'in'));
    m.child.kill('SIGHUP');
    await until(() => fs.existsSync(at('bob@x', 'in')));
    await sh(dir, 'echo three > tmp/bob@x/in');
    await until(() => bodies(read('in')).length === 3);
    m.feed(stanza('bob@x/r', 'hi'));
    await until(() => read('bob@x', 'out').includes('hi'));
    expect([await m.end(), await m.err]).toEqual([0, '']);
    expect(untimed(read('bob@x', 'out'))).toBe(`<${ME}> two\n<${ME}> three\n<bob@x/r> hi\n`);
  });

  it('names the directory that the user meant', async () => {
    const { dir, at } = tree();
    fs.mkdirSync(at('Bob@X'));
    const m = messaged(dir);
    await m.end();
    expect(await m.err).toBe('messaged: warning: tmp/Bob@X: not in normal form, which is bob@x\n');
    expect(fs.readdirSync(at())).toEqual(['Bob@X', 'events', 'out']);
    const told = 'nothing that is written here is sent: Bob@X is not in normal form, which is bob@x';
    expect(untimed(fs.readFileSync(at('Bob@X', 'out'), 'utf8'))).toBe(`-!- ${told}\n`);
    expect(fs.readFileSync(at('events'), 'utf8')).toContain(`\terror\t-\t${told}\n`);
  });

  it('loses no line of 50 writers, one that holds the FIFO among them', async () => {
    const { dir, at, read } = tree();
    fs.writeFileSync(at('in'), '');
    fs.mkdirSync(at('bob@x'));
    const m = messaged(dir);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    const script = 'i=0; while [ $i -lt 20 ]; do printf "%s %s %s\\n" "$1" $i "$2" > tmp/bob@x/in; i=$((i+1)); done';
    const holder = sh(dir, 'exec > tmp/bob@x/in; i=0; while [ $i -lt 20 ]; do echo "holder $i"; i=$((i+1)); done');
    const writers = Array.from({ length: 50 }, (_, w) => sh(dir, script, `w${w}`, 'x'.repeat(10 + w * 80)));
    await Promise.all([holder, ...writers]);
    await until(() => bodies(read('in')).length === 1020);
    await m.end();
    const sent = bodies(read('in')) as string[];
    for (let w = 0; w < 50; w++) {
      const mine = sent.filter((body) => body.startsWith(`w${w} `));
      expect(mine).toEqual(Array.from({ length: 20 }, (_, i) => `w${w} ${i} ${'x'.repeat(10 + w * 80)}`));
    }
    expect(sent.filter((body) => body.startsWith('holder'))).toEqual(
      Array.from({ length: 20 }, (_, i) => `holder ${i}`),
    );
    expect(untimed(read('bob@x', 'out'))).toBe(sent.map((body) => `<${ME}> ${body}\n`).join(''));
  });

  it('keeps a half line until the rest comes, and sends one without an end when its writer goes', async () => {
    const { dir, at, read } = tree();
    fs.writeFileSync(at('in'), '');
    fs.mkdirSync(at('bob@x'));
    await mkfifo(dir, 'go');
    const m = messaged(dir);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    const writer = sh(
      dir,
      'exec 3> tmp/bob@x/in; echo one >&3; printf ha >&3; read go < go; echo lf >&3; printf hi >&3',
    );
    await until(() => bodies(read('in')).length === 1);
    fs.writeFileSync(path.join(dir, 'go'), 'go\n');
    await writer;
    await until(() => bodies(read('in')).length === 3);
    expect(await m.end()).toBe(0);
    expect(bodies(read('in'))).toEqual(['one', 'half', 'hi']);
  });

  it('ends at SIGTERM as at the end of its input, and does not mind SIGINT', async () => {
    const { dir, at, read } = tree();
    fs.writeFileSync(at('in'), '');
    const m = messaged(dir);
    m.feed(stanza('bob@x/r', 'hi'));
    await until(() => fs.existsSync(at('bob@x', 'in')));
    m.child.kill('SIGINT');
    await sh(dir, 'echo one > tmp/bob@x/in');
    await until(() => bodies(read('in')).length === 1);
    m.child.kill('SIGTERM');
    expect([await m.ended, await m.err]).toEqual([0, '']);
  });

  it('skips what is no stanza, and says so', async () => {
    const { dir, read } = tree();
    const m = messaged(dir);
    expect(await m.end(`garbage\n<message from='a@x'><body>&nbsp;</body></message>\n${stanza('bob@x', 'fine')}`)).toBe(
      0,
    );
    expect(await m.err).toMatch(/^messaged: warning: skipped what cannot be read: /);
    expect(untimed(read('bob@x', 'out'))).toBe('<bob@x> fine\n');
  });

  it('lets no message forge a line or reach a terminal', async () => {
    const { dir, read, records } = tree();
    const m = messaged(dir);
    const body = 'hi\n2024-01-01 10:00 &lt;boss@x&gt; yes&#13;\u2028more\u0085\u009b2J\u202e';
    await m.end(stanza('bob@x/&gt; -!- x', body) + stanza('bob@x/r', 'ok'));
    expect(untimed(read('bob@x', 'out'))).toBe(
      ['hi', '2024-01-01 10:00 <boss@x> yes\ufffd', 'more\ufffd\ufffd2J\ufffd']
        .map((line) => `<bob@x/__-!-_x> ${line}\n`)
        .join('') + '<bob@x/r> ok\n',
    );
    expect(records('bob@x', 'log')[0].body).toBe('hi\n2024-01-01 10:00 <boss@x> yes\r\u2028more\u0085\u009b2J\u202e');
  });

  it('writes nothing outside its directory, whoever sends', async () => {
    const { dir, at } = tree();
    fs.writeFileSync(at('in'), '');
    const m = messaged(dir);
    const froms = [
      '..',
      '../../x',
      'in',
      'a/b',
      'state',
      'events',
      '.hidden',
      '-rf',
      'a@..',
      'x'.repeat(1023) + '@y',
      'Ä@münchen.example',
      '%2e%2e@x',
    ];
    expect(await m.end(froms.map((from) => stanza(from, 'hi')).join(''))).toBe(0);
    expect(fs.readdirSync(dir)).toEqual(['tmp']);
    for (const name of fs.readdirSync(at())) {
      if (name === 'in') expect(fs.readFileSync(at(name), 'utf8')).toBe('');
      else if (['events', 'out', '.newcomers'].includes(name)) expect(fs.statSync(at(name)).isFile()).toBe(true);
      else expect(fs.readdirSync(at(name)).sort()).toEqual(['id', 'in', 'log', 'out']);
    }
    expect(fs.existsSync(at('ä@münchen.example', 'out'))).toBe(true);
  });
});

describe('with a way back to sj', () => {
  /** As sj starts it: what it sends comes on descriptor 3. */
  function started(dir: string) {
    const child = run(dir, MESSAGED, ['-j', ME, '-d', 'tmp', '-o', '/dev/fd/3'], ['pipe', 'pipe', 'pipe', 'pipe']);
    const back = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void };
    child.stdin!.on('error', () => {});
    back.on('error', () => {});
    return {
      child,
      back,
      err: text(child.stderr!),
      ended: once(child, 'exit').then(([code]) => code as number | null),
    };
  }

  it('sends long lines whole', async () => {
    const { dir, at, read } = tree();
    fs.mkdirSync(at('bob@x'));
    const { child, back, ended, err } = started(dir);
    const got = text(back);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    const long = `${'lorem ipsum é <&> '.repeat(3500)}end`;
    await sh(dir, 'cat > tmp/bob@x/in << E\n' + `${long}\nnext\n` + 'E\n');
    await until(() => untimed(read('bob@x', 'out')).endsWith('next\n'));
    child.stdin!.end();
    expect([await ended, await err]).toEqual([0, '']);
    expect(bodies(await got)).toEqual([long, 'next']);
  });

  it('makes writers wait while sj does not read, and loses nothing', async () => {
    const { dir, at, read } = tree();
    fs.mkdirSync(at('bob@x'));
    const { child, back, ended } = started(dir);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    const count = 30_000;
    const writer = sh(dir, `exec > tmp/bob@x/in; i=0; while [ $i -lt ${count} ]; do echo "line $i"; i=$((i+1)); done`);
    let written = false;
    void writer.then(() => {
      written = true;
    });
    // Nobody reads: `out` stops growing with most of it unsaid, because what has not been taken is not shown.
    let before = -1;
    let same = 0;
    await until(() => {
      const { length } = read('bob@x', 'out');
      same = length > 0 && length === before ? same + 1 : 0;
      before = length;
      return same > 40;
    });
    expect(written).toBe(false);
    expect(read('bob@x', 'out').split('\n').length).toBeLessThan(count / 2);
    // Stanzas are written down all the same.
    child.stdin!.write(stanza('eve@x', 'hi'));
    await until(() => read('eve@x', 'out') !== '');
    const got = text(back);
    await writer;
    await until(() => read('bob@x', 'out').split('\n').length === count + 1);
    child.stdin!.end();
    expect(await ended).toBe(0);
    const all = Array.from({ length: count }, (_, i) => `line ${i}`);
    expect(bodies(await got)).toEqual(all);
    expect(untimed(read('bob@x', 'out'))).toBe(all.map((line) => `<${ME}> ${line}\n`).join(''));
  });

  it('answers what is written when sj is gone', async () => {
    const { dir, at, read } = tree();
    fs.mkdirSync(at('bob@x'));
    const { child, back, ended, err } = started(dir);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    back.destroy();
    await sh(dir, 'echo one > tmp/bob@x/in; echo two > tmp/bob@x/in');
    await until(() => untimed(read('bob@x', 'out')).split('\n').length === 3);
    child.stdin!.end();
    expect(await ended).toBe(0);
    expect(untimed(read('bob@x', 'out'))).toBe('-!- not sent (offline): one\n-!- not sent (offline): two\n');
    expect((await err).split('\n')).toHaveLength(2);
  });

  it('ends though sj does not read, and answers what it could not get rid of', async () => {
    const { dir, at, read } = tree();
    fs.mkdirSync(at('bob@x'));
    const { child, ended } = started(dir);
    await until(() => fs.existsSync(at('bob@x', 'in')));
    const writer = run(
      dir,
      'sh',
      ['-c', 'exec > tmp/bob@x/in; i=0; while echo "line $i"; do i=$((i+1)); done'],
      ['pipe', 'pipe', 'pipe'],
    );
    await until(() => read('bob@x', 'out') !== '');
    child.stdin!.end();
    expect(await ended).toBe(0);
    writer.kill('SIGKILL');
    const lines = untimed(read('bob@x', 'out')).split('\n').slice(0, -1);
    expect(lines.at(-1)).toMatch(/^-!- not sent \(offline\): line \d+$/);
    expect(lines.map((line) => Number(/line (\d+)$/.exec(line)?.[1]))).toEqual(lines.map((_, i) => i));
  });
});
