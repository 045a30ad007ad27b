import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { parseElement } from '../../lib/xml/tree.ts';
import { controlText, readControl } from '../../lib/xmpp/codec/control.ts';
import { BIN, contents, newAccount, sh, until, untimed } from './bed/suite.ts';

const ME = 'me@server.org';

/** sj as messaged sees it: it numbers what it hands out, and takes what comes back, until it is killed. */
type Sj = {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string>;
  /** What messaged has said, in words. */
  readonly heard: string[];
  /** What it has sent: id and body. */
  readonly got: { id: string; body: string; to: string }[];
  readonly done: number;
  err(): string;
  session(id: string, n: number, resumed?: boolean): void;
  give(...stanzas: string[]): void;
  sent(n: number): void;
  bye(): Promise<number | string>;
};

function start(dir: string, env: NodeJS.ProcessEnv = {}, on: (sj: Sj, what: string) => void = () => {}): Sj {
  const child = spawn(path.join(BIN, 'messaged'), ['-d', dir, '-j', ME, '-o', '/dev/fd/3'], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, TZ: 'UTC', SJ_ACK: '1', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let err = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  onTestFailed(() => {
    if (err !== '') console.error(err);
  });
  child.stdin!.on('error', () => {});
  const back = child.stdio[3] as NodeJS.ReadableStream;
  back.on('error', () => {});
  let rest = '';
  let done = 0;
  back.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const element = parseElement(line);
      const control = readControl(element);
      if (control?.what === 'done') done = control.n;
      const { id = '', to = '' } = element.attrs;
      if (control === null) sj.got.push({ id, to, body: element.getChildText('body')! });
      const what = control === null ? `message ${sj.got.at(-1)!.body}` : Object.values(control).join(' ');
      sj.heard.push(what);
      on(sj, what);
    }
  });
  const write = (text: string) => void child.stdin!.write(`${text}\n`);
  const sj: Sj = {
    child,
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
    heard: [],
    got: [],
    get done() {
      return done;
    },
    err: () => err,
    session: (id, n, resumed = false) => write(controlText({ what: 'session', id, n, resumed })),
    give: (...stanzas) => write(stanzas.join('\n')),
    sent: (n) => write(controlText({ what: 'sent', n })),
    bye() {
      write(controlText({ what: 'bye' }));
      child.stdin!.end();
      return sj.ended;
    },
  };
  return sj;
}

const message = (from: string, body: string, more = '') =>
  `<message from='${from}/r' to='${ME}' type='chat' id='${body}'><body>${body}</body>${more}</message>`;

/** The texts in `out` and in `log`, which must agree. */
function said(dir: string, jid: string): string[] {
  const log = contents(dir, jid, 'log').split('\n').slice(0, -1);
  const bodies = log.map((line): string => JSON.parse(line).body);
  const shown = untimed(contents(dir, jid, 'out'))
    .split('\n')
    .slice(0, -1);
  expect(shown.map((line) => line.replace(/^<\S+> /, ''))).toEqual(bodies);
  return bodies;
}

const isFifo = (...names: string[]) => fs.lstatSync(path.join(...names), { throwIfNoEntry: false })?.isFIFO();

function account(...jids: string[]): string {
  const dir = newAccount();
  for (const jid of jids) fs.mkdirSync(path.join(dir, jid));
  return dir;
}

/** Opens a FIFO for writing, without waiting for a reader. */
function hold(...names: string[]): { say(text: string): void; close(): void } {
  const fd = fs.openSync(path.join(...names), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  return { say: (text) => void fs.writeSync(fd, text), close: () => fs.closeSync(fd) };
}

/** The same, as soon as there is a reader. */
function holdSoon(...names: string[]): Promise<{ say(text: string): void; close(): void }> {
  return until(() => {
    try {
      return hold(...names);
    } catch {
      return null;
    }
  });
}

describe('what sj hands out', () => {
  it('is numbered, written down, and then done', async () => {
    const dir = account();
    const sj = start(dir);
    sj.give(message('a@x', 'one'), message('a@x', 'two'));
    sj.session('P', 2);
    sj.give(message('a@x', 'three'), `<presence from='a@x'/>`);
    await until(() => sj.done === 4);
    expect(sj.heard[0]).toBe('hello');
    expect(said(dir, 'a@x')).toEqual(['one', 'two', 'three']);
    expect([await sj.bye(), sj.err()]).toEqual([0, '']);
    expect(fs.statSync(path.join(dir, '.journal')).mode & 0o777).toBe(0o600);
  });

  it('is written once, however often it is given in a session', async () => {
    const dir = account();
    const first = start(dir);
    first.session('P', 0);
    first.give(message('a@x', '1'), message('a@x', '2'));
    await until(() => first.done === 2);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start(dir);
    second.session('P', 0, true);
    second.give(message('a@x', '1'), message('a@x', '2'), message('a@x', '3'));
    await until(() => second.done === 3);
    expect(said(dir, 'a@x')).toEqual(['1', '2', '3']);
    expect(await second.bye()).toBe(0);
  });

  it('is recognised when it comes again in a new session, but equal messages of one session are not the same', async () => {
    const dir = account();
    const first = start(dir);
    first.session('P', 0);
    first.give(message('a@x', 'ok'), message('a@x', 'ok'), message('a@x', 'yes'));
    await until(() => first.done === 3);
    first.child.kill('SIGKILL');
    await first.ended;
    // The server says when it was given first.
    const { time } = JSON.parse(fs.readFileSync(path.join(dir, 'a@x/log'), 'utf8').trimEnd().split('\n').at(-1)!);
    const again = `<delay xmlns='urn:xmpp:delay' stamp='${time}'/>`;
    const second = start(dir);
    second.session('Q', 0);
    second.give(
      message('a@x', 'yes', again),
      message('a@x', 'new'),
      message('a@x', 'new'),
      message('b@x', 'yes', again),
    );
    await until(() => second.done === 4);
    expect(said(dir, 'a@x')).toEqual(['ok', 'ok', 'yes', 'new', 'new']);
    expect(said(dir, 'b@x')).toEqual(['yes']);
    expect(await second.bye()).toBe(0);
  });

  it('is written also when it came before the session began, and so has no number of its own', async () => {
    const dir = account();
    const sj = start(dir);
    sj.give(message('a@x', 'early'));
    sj.session('P', 0);
    sj.give(message('a@x', 'one'));
    await until(() => sj.done === 1);
    expect(said(dir, 'a@x')).toEqual(['early', 'one']);
    expect(await sj.bye()).toBe(0);
  });

  it('is written though no session was ever told of', async () => {
    const dir = account();
    const sj = start(dir);
    sj.give(message('a@x', 'one'));
    sj.child.stdin!.end();
    expect([await sj.ended, said(dir, 'a@x'), sj.heard]).toEqual([0, ['one'], ['hello']]);
  });

  it('goes to new files where the old ones were moved away, and to a new directory', async () => {
    const dir = account();
    const sj = start(dir);
    sj.session('P', 0);
    sj.give(message('a@x', '1'));
    await until(() => sj.done === 1);
    for (const file of ['out', 'log']) fs.renameSync(path.join(dir, 'a@x', file), path.join(dir, 'a@x', `${file}.1`));
    sj.give(message('a@x', '2'));
    await until(() => sj.done === 2);
    expect(said(dir, 'a@x')).toEqual(['2']);
    expect(untimed(contents(dir, 'a@x', 'out.1'))).toBe('<a@x/r> 1\n');
    fs.rmSync(path.join(dir, 'a@x'), { recursive: true });
    sj.give(message('a@x', '3'));
    await until(() => sj.done === 3);
    expect(said(dir, 'a@x')).toEqual(['3']);
    sj.child.kill('SIGKILL');
    await sj.ended;
    // Nothing of what went away comes back.
    const again = start(dir);
    again.session('P', 3, true);
    again.give(message('a@x', '4'));
    await until(() => again.done === 4);
    expect(said(dir, 'a@x')).toEqual(['3', '4']);
    expect(await again.bye()).toBe(0);
  });

  it('is done though one file cannot be written, and is there when it can', async () => {
    const dir = account('a@x');
    fs.mkdirSync(path.join(dir, 'a@x', 'out'));
    const sj = start(dir);
    sj.session('P', 0);
    sj.give(message('a@x', '1'), message('b@x', '1'));
    await until(() => sj.done === 2);
    sj.child.kill('SIGKILL');
    await sj.ended;
    expect(sj.err()).toMatch(/^messaged: warning: cannot write \S+a@x\/out: .*\n$/);
    const again = start(dir);
    again.session('P', 2, true);
    again.give(message('a@x', '2'));
    await until(() => again.done === 3);
    fs.rmdirSync(path.join(dir, 'a@x', 'out'));
    await until(() => contents(dir, 'a@x', 'out').split('\n').length === 3);
    expect([said(dir, 'a@x'), said(dir, 'b@x')]).toEqual([['1', '2'], ['1']]);
    expect(await again.bye()).toBe(0);
  });
});

describe('what is written to contacts', () => {
  it('is shown when sj has taken it, and sent again under the same id if that is not known', async () => {
    const dir = account('a@x');
    const first = start(dir);
    const early = sh(dir, 'mkfifo a@x/in; echo early > a@x/in');
    await until(() => isFifo(dir, 'a@x', 'in'));
    first.session('P', 0);
    await early;
    await until(() => first.got.length === 1);
    await sh(dir, 'echo one > a@x/in; echo two > a@x/in');
    await until(() => first.got.length === 3);
    expect(contents(dir, 'a@x', 'out')).toBe('');
    first.sent(1);
    await until(() => contents(dir, 'a@x', 'out') !== '');
    expect(said(dir, 'a@x')).toEqual(['early']);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start(dir);
    second.session('P', 0, true);
    await until(() => second.got.length === 2);
    expect(second.heard).toEqual(['hello', 'again 2', 'message one', 'message two']);
    expect(second.got).toEqual(first.got.slice(1));
    second.give(controlText({ what: 'refused', n: 1, reason: 'too big' }), controlText({ what: 'sent', n: 2 }));
    await until(() => contents(dir, 'a@x', 'out').split('\n').length === 4);
    expect(await second.bye()).toBe(0);
    expect(untimed(contents(dir, 'a@x', 'out'))).toBe(`<${ME}> early\n-!- not sent (too big): one\n<${ME}> two\n`);
    const third = start(dir);
    third.session('P', 0, true);
    expect(await third.bye()).toBe(0);
    expect(third.heard).toEqual(['hello']);
  });

  it('is kept for the next start when sj goes without a word', async () => {
    const dir = account('a@x');
    const first = start(dir);
    first.session('P', 0);
    await until(() => isFifo(dir, 'a@x', 'in'));
    const writer = await holdSoon(dir, 'a@x', 'in');
    writer.say('one\ntw');
    await until(() => first.got.length === 1);
    first.child.stdin!.end();
    writer.say('o\nthree');
    writer.close();
    expect([await first.ended, contents(dir, 'a@x', 'out')]).toEqual([0, '']);
    const second = start(dir);
    second.session('Q', 0);
    await until(() => second.got.length === 3);
    expect(second.got.map(({ body }) => body)).toEqual(['one', 'two', 'three']);
    second.sent(3);
    expect(await second.bye()).toBe(0);
    expect(said(dir, 'a@x')).toEqual(['one', 'two', 'three']);
  });

  it('is read by the one who lingers no more and by the one after it yet, and nobody who writes notices', async () => {
    const dir = account('a@x', 'b@x');
    await sh(dir, 'mkfifo -m 600 in');
    const first = start(dir, { SJ_LINGER: '60' });
    first.session('P', 0);
    await until(() => isFifo(dir, 'a@x', 'in') && isFifo(dir, 'b@x', 'in'));
    await sh(dir, 'echo zero > a@x/in');
    await until(() => first.got.length === 1);
    first.sent(1);
    const writer = await holdSoon(dir, 'a@x', 'in');
    const raw = await holdSoon(dir, 'in');
    writer.say('one\nha');
    await until(() => first.got.length === 2);
    first.child.stdin!.end();
    // The way back closes when it has said everything.
    await once(first.child.stdio[3] as NodeJS.ReadableStream, 'close');
    writer.say('lf\n');
    raw.say('<presence/>\n');
    await sh(dir, 'echo offline > b@x/in; printf "no end" > b@x/in');
    const second = start(dir, { SJ_LINGER: '60' });
    await until(() => second.heard.length === 1);
    writer.say('before the session\n');
    expect(first.child.exitCode).toBe(null);
    second.session('P', 0, true);
    expect(await first.ended).toBe(0);
    await until(() => second.got.length === 5);
    writer.say('after\n');
    raw.say('<presence/>\n');
    await until(() => second.got.length === 6);
    second.sent(6);
    writer.close();
    raw.close();
    await until(() => contents(dir, 'a@x', 'out').split('\n').length === 6);
    expect([await second.bye(), first.err(), second.err()]).toEqual([0, '', '']);
    expect(said(dir, 'a@x')).toEqual(['zero', 'one', 'half', 'before the session', 'after']);
    expect(said(dir, 'b@x')).toEqual(['offline', 'no end']);
    expect(fs.readdirSync(dir).filter((name) => name.startsWith('.messaged'))).toEqual([]);
  });

  it('is kept by one who lingered in vain', async () => {
    const dir = account('a@x');
    const first = start(dir, { SJ_LINGER: '1' });
    first.session('P', 0);
    await until(() => isFifo(dir, 'a@x', 'in'));
    const writer = await holdSoon(dir, 'a@x', 'in');
    first.child.stdin!.end();
    await once(first.child.stdio[3] as NodeJS.ReadableStream, 'close');
    writer.say('one\n');
    writer.close();
    expect(await first.ended).toBe(0);
    const second = start(dir);
    second.session('Q', 0);
    await until(() => second.got.length === 1);
    second.sent(1);
    expect(await second.bye()).toBe(0);
    expect(said(dir, 'a@x')).toEqual(['one']);
  });
});

describe('kill -9', () => {
  const LAST = 400;
  const LINES = 150;
  const CONTACTS = ['a@x', 'b@x', 'c@x'];

  it.each([1, 2, 3])('at any time costs nothing and doubles nothing (%i)', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    onTestFailed(() => console.error(`seed ${seed}`));
    let state = seed;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const dir = account(...CONTACTS);
    const stanzas = Array.from({ length: LAST }, (_, i) => message(CONTACTS[i % 3]!, `m${i + 1}`));
    const taken: { id: string; body: string; to: string }[] = [];
    let acknowledged = 0;
    let written = 0;
    let rounds = 0;
    while (acknowledged < LAST || written < LINES) {
      rounds++;
      let left = rounds > 25 ? Number.POSITIVE_INFINITY : 1 + random(6);
      let count = 0;
      let again = 0;
      const sj = start(dir, {}, (it, what) => {
        const repeated = /^again (\d+)/.exec(what);
        if (repeated) again = Number(repeated[1]);
        if (what.startsWith('done')) acknowledged = Math.max(acknowledged, it.done);
        if (what.startsWith('message')) {
          count++;
          const got = it.got.at(-1)!;
          const known = taken.some(({ id }) => id === got.id);
          expect(known && again === 0).toBe(false);
          again = Math.max(0, again - 1);
          if (!known) taken.push(got);
          if (random(3) > 0) it.sent(count);
        }
        if (--left === 0) it.child.kill('SIGKILL');
      });
      sj.session('P', acknowledged, acknowledged > 0);
      let next = acknowledged;
      let over = false;
      void sj.ended.then(() => {
        over = true;
      });
      while (!over && (acknowledged < LAST || written < LINES)) {
        if (next < LAST) sj.give(...stanzas.slice(next, (next += 1 + random(40))));
        const contact = CONTACTS[random(3)]!;
        try {
          const writer = hold(dir, contact, 'in');
          for (let i = random(6); i > 0; i--) writer.say(`l${written++}\n`);
          writer.close();
        } catch {}
        await new Promise((resolve) => setTimeout(resolve, random(8)));
      }
      if (over) continue;
      await until(() => sj.got.length === 0 || count > 0);
      sj.child.kill('SIGKILL');
      await sj.ended;
    }
    const end = start(dir);
    end.session('P', LAST, true);
    await until(() => end.heard.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect([await end.bye(), end.err()]).toEqual([0, '']);
    for (const got of end.got) if (!taken.some(({ id }) => id === got.id)) taken.push(got);
    for (const [i, jid] of CONTACTS.entries()) {
      const all = said(dir, jid);
      const incoming = Array.from({ length: LAST }, (_, n) => n).filter((n) => n % 3 === i);
      expect(all.filter((body) => body.startsWith('m'))).toEqual(incoming.map((n) => `m${n + 1}`));
      const outgoing = taken.filter(({ to }) => to === jid).map(({ body }) => body);
      expect(all.filter((body) => body.startsWith('l'))).toEqual(outgoing);
    }
    expect(rounds).toBeGreaterThan(5);
  });
});

it('messaged shows a message before it has looked at thousands of directories', async () => {
  const dir = newAccount();
  const count = 4000;
  for (let i = 0; i < count; i++) fs.mkdirSync(path.join(dir, `c${i}@server.org`));
  const sj = start(dir);
  sj.session('S', 0);
  sj.give(`<message from='c7@server.org/r' type='chat' id='1'><body>hello</body></message>`);
  await until(() => contents(dir, 'c7@server.org', 'out').includes('hello'));
  const fifos = () => fs.readdirSync(dir).filter((name) => fs.existsSync(path.join(dir, name, 'in'))).length;
  expect(fifos()).toBeLessThan(count);
  await until(() => fifos() === count);
  await sj.bye();
});
