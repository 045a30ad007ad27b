// What happens beyond each limit: a row for each name of the table, and nobody else is affected.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { TABLE } from '../../lib/xmpp/limits.ts';
import { connectClient } from '../../loopback/client.ts';
import {
  ALICE,
  BOB,
  contents,
  DOMAIN,
  events,
  group,
  newAccount,
  PASSWORDS,
  start,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

const said = (body: string) => `<message from='${BOB}/r' to='${ALICE}' type='chat'><body>${body}</body></message>`;
const limited = (...limits: string[]) => ({ options: limits.flatMap((limit) => ['-L', limit]) });

describe('-L', () => {
  const PROGRAMS: [name: string, ...args: string[]][] = [
    ['xmppc', 'alice@example.org'],
    ['sj', '-u', 'alice', '-s', 'example.org'],
    ['messaged', '-j', ALICE],
    ['presenced'],
    ['iqd'],
  ];
  it.each(PROGRAMS)('%s refuses a name that is none, and a value that can not be', async (name, ...args) => {
    const cwd = newAccount();
    const misuse = async (limit: string, env: NodeJS.ProcessEnv = {}) => {
      const job = start([name, ...(limit === '' ? [] : ['-L', limit]), ...args], { cwd, env: { SJ_DIR: cwd, ...env } });
      return [await job.ended, job.err()];
    };
    const usage = (why: string) => [100, expect.stringMatching(`^${name}: fatal: ${why}\nusage: ${name} [^\n]*\n$`)];
    expect(
      await Promise.all([misuse('nothing=1'), misuse('stanza=ten'), misuse('', { SJ_LIMITS: 'depth=0' })]),
    ).toEqual([
      usage('option -L: unknown limit: nothing=1'),
      usage(`option -L: stanza is ${TABLE.stanza.least} to ${TABLE.stanza.most} bytes, not ten`),
      usage(`SJ_LIMITS: depth is ${TABLE.depth.least} to ${TABLE.depth.most} levels, not 0`),
    ]);
    expect(fs.readdirSync(cwd)).toEqual([]);
  });

  it('given to xmppc it holds for sj and its daemons', async () => {
    const server = await startBed();
    const alice = await startSuite(server, limited('line=17', 'time=9')).online();
    for (const name of ['messaged', 'presenced', 'iqd'] as const) {
      await until(() => group(alice.child.pid!).some((process) => process.name === name));
      const env = contents(`/proc/${alice.pid(name)}/environ`).split('\0');
      expect(env.find((entry) => entry.startsWith('SJ_LIMITS='))).toMatch(/ line=17 .* time=9( |$)/);
    }
  });
});

describe('what the server sends', () => {
  const from = `from='${BOB}/r' to='${ALICE}'`;
  const CASES: [limit: string, fits: string, tooMuch: string, what: string][] = [
    [
      'stanza=10000',
      said('x'.repeat(9800)),
      said('x'.repeat(10_001)),
      'skipped a message: a stanza of more than 10000 bytes',
    ],
    [
      'stanza=10000 iq=20000',
      `<iq type='result' id='x' ${from}><a>${'x'.repeat(19_900)}</a></iq>`,
      `<iq type='result' id='x' ${from}><a>${'x'.repeat(20_001)}</a></iq>`,
      'skipped an iq: a stanza of more than 20000 bytes',
    ],
    [
      'depth=8',
      `<message ${from}>${'<a>'.repeat(7)}${'</a>'.repeat(7)}</message>`,
      `<message ${from}>${'<a>'.repeat(8)}${'</a>'.repeat(8)}</message>`,
      'skipped a message: elements nested deeper than 8',
    ],
    [
      'attributes=8',
      `<presence ${from}><a ${Array.from({ length: 8 }, (_, i) => `a${i}='x'`).join(' ')}/></presence>`,
      `<presence ${from}><a ${Array.from({ length: 9 }, (_, i) => `a${i}='x'`).join(' ')}/></presence>`,
      'skipped a presence: more than 8 attributes',
    ],
  ];
  it.each(CASES)('beyond %s costs that stanza, and is told with its sender', async (given, fits, tooMuch, what) => {
    const server = await startBed();
    const alice = await startSuite(server, limited(...given.split(' '))).online();
    await server.online(ALICE);
    await server.inject(ALICE, fits + said('before'));
    await alice.see(`${BOB}/out`, 'before');
    expect(events(alice.dir).filter(([type]) => type === 'error')).toEqual([]);
    await server.inject(ALICE, tooMuch + said('after'));
    await alice.see(`${BOB}/out`, 'after');
    expect(events(alice.dir).filter(([type]) => type === 'error')).toEqual([['error', BOB, `${what}: ${BOB}/r`]]);
    await alice.see(`${BOB}/out`, `-!- ${what}: ${BOB}/r`);
    expect(alice.child.exitCode).toBeNull();
    expect(alice.err()).toBe('');
  });
});

describe('what becomes larger when it is written anew', () => {
  it('is handed on as long as it is no bomb', async () => {
    const server = await startBed();
    const alice = await startSuite(server, limited('flood=1000000')).online();
    await server.online(ALICE);
    const many = Array.from({ length: 60 }, (_, i) => i);
    const prefixed = `<x xmlns='urn:x' ${many.map((i) => `xmlns:p${i}='urn:${i}'`).join(' ')}><y ${many.map((i) => `p${i}:a='1'`).join(' ')}/></x>`;
    const quotes = `<thread>${"'".repeat(200_000)}</thread>`;
    const bomb = `<x xmlns='urn:x' xmlns:p='${'urn:'.padEnd(100_000, 'n')}'>${'<p:a/>'.repeat(20_000)}</x>`;
    const message = (body: string, more: string) =>
      `<message from='${BOB}/r' to='${ALICE}'><body>${body}</body>${more}</message>`;
    await server.inject(
      ALICE,
      message('attributes', prefixed) + message('quotes', quotes) + message('bomb', bomb) + message('last', ''),
    );
    await alice.see(`${BOB}/out`, 'last');
    expect(untimed(alice.read(BOB, 'out')).replace(/^-!- .*\n/m, '')).toBe(
      ['attributes', 'quotes', 'last'].map((body) => `<${BOB}/r> ${body}\n`).join(''),
    );
    await alice.see('events', `\t${BOB}\tskipped a message: it is much longer than it looks: ${BOB}/r`);
    expect(alice.err()).toBe('');
    // What local programs write is measured as it goes out.
    fs.writeFileSync(path.join(alice.dir, 'stanza'), `${message('bomb', bomb)}\n`);
    await alice.sh('cat stanza > in');
    await alice.see('events', 'in: dropped a stanza: a stanza of more than 262144 bytes');
    expect(alice.child.exitCode).toBeNull();
  });
});

describe('what a server announces (XEP-0478)', () => {
  it('lowers what goes out', async () => {
    const server = await startBed({ stanzaLimit: 12_000 });
    const alice = await startSuite(server).online();
    await alice.chat(BOB);
    await alice.sh(`printf '%011990d\\n' 0 > ${BOB}/in; printf '%011000d\\n' 1 > ${BOB}/in; echo ok > ${BOB}/in`);
    await alice.see(`${BOB}/out`, `<${ALICE}> ok`);
    expect(untimed(alice.read(BOB, 'out'))).toMatch(
      RegExp(`^-!- not sent \\(a stanza of more than 12000 bytes\\): 0+…?\n<${ALICE}> 0+1\n<${ALICE}> ok\n$`),
    );
    fs.writeFileSync(
      path.join(alice.dir, 'stanza'),
      `<iq type='get' id='q'><a xmlns='u'>${'y'.repeat(12_000)}</a></iq>\n`,
    );
    await alice.sh('cat stanza > in');
    await alice.see('events', 'in: dropped a stanza: a stanza of more than 12000 bytes');
    expect(server.heard()).not.toMatch(/0{11500}|y{100}/);
    expect(alice.child.exitCode).toBeNull();
  });

  it('makes sj say something in time, though nothing is to be said', async () => {
    const idle = "<idle-seconds xmlns='urn:xmpp:stream-limits:0'>1</idle-seconds>";
    const server = await startBed({
      faults: { features: (xml) => xml.replace('</max-bytes>', `</max-bytes>${idle}`) },
    });
    const alice = await startSuite(server).online();
    await until(() => server.heard().endsWith('   '));
    expect(alice.child.exitCode).toBeNull();
  });
});

it('events beyond events are not written, and nothing else is affected, until there is room', async () => {
  const server = await startBed();
  server.markKnown(ALICE, BOB);
  const alice = await startSuite(server, limited('events=2000')).online();
  await alice.see('.roster', BOB);
  await server.online(ALICE);
  for (let i = 0; i < 60; i++) await server.inject(ALICE, said(`message ${i}`));
  await alice.see(`${BOB}/out`, 'message 59');
  expect(untimed(alice.read(BOB, 'out')).split('\n')).toHaveLength(61);
  await alice.see('events', 'no more events: this file has 2000 bytes');
  const full = alice.read('events');
  expect(full.length).toBeGreaterThanOrEqual(2000);
  expect(full.length).toBeLessThan(4000);
  for (let i = 0; i < 60; i++) await server.inject(ALICE, said(`again ${i}`));
  await alice.see(`${BOB}/out`, 'again 59');
  expect(alice.read('events').length).toBeLessThan(full.length + 200);
  await alice.sh('mv events events.old');
  let n = 0;
  await until(() => {
    void server.inject(ALICE, said(`and ${n++}`));
    return alice.read('events').includes('\tmessage\t');
  });
});

describe('strangers', () => {
  const from = (who: string, body: string, more = '') =>
    `<message from='${who}/r' to='${ALICE}' type='chat' id='${body.slice(0, 9)}'${more}><body>${body}</body></message>`;
  const folders = (dir: string) => fs.readdirSync(dir).filter((name) => name.includes('@'));
  const errors = (dir: string) => events(dir).filter(([type]) => type === 'error');
  const answers = (heard: string) => heard.match(/<message [^>]*type='error'/g) ?? [];

  it('beyond new get no directory, not by messages and not by presence, also after a crash', async () => {
    const server = await startBed();
    server.markKnown(ALICE, BOB);
    const given = limited('new=3');
    const alice = await startSuite(server, given).online();
    await alice.see('.roster', BOB);
    const some = (n: number) =>
      Array.from({ length: 20 }, (_, i) => from(`eve${n}${i}@x.example`, `${n}.${i}`)).join('');
    await server.inject(ALICE, some(0) + from(BOB, 'friend'));
    await alice.see(`${BOB}/out`, 'friend');
    expect(folders(alice.dir).sort()).toEqual([BOB, 'eve00@x.example', 'eve01@x.example', 'eve02@x.example']);
    expect(errors(alice.dir)).toEqual([
      ['error', '-', 'refused a message of somebody new: more than 3 within an hour: eve03@x.example'],
    ]);
    // Those who are there go on.
    await server.inject(ALICE, from('eve01@x.example', 'more'));
    await alice.see('eve01@x.example/out', 'more');
    await server.inject(ALICE, `<presence from='mallory@x.example/r'/><presence from='eve02@x.example/r'/>`);
    await alice.see('eve02@x.example/presence', 'online');
    await alice.see('events', 'presence of somebody new is not shown: more than 3 within an hour: mallory@x.example');
    process.kill(-alice.child.pid!, 'SIGKILL');
    await alice.ended;
    await until(() => server.connections() === 0);

    const next = await startSuite(server, { ...given, dir: alice.dir }).online();
    await server.online(ALICE);
    await server.inject(ALICE, some(1) + from(BOB, 'friend again'));
    await next.see(`${BOB}/out`, 'friend again');
    expect(folders(alice.dir)).toHaveLength(4);
    // What the user makes does not count.
    await next.chat('dave@x.example');
    await server.inject(ALICE, from('dave@x.example', 'hello'));
    await next.see('dave@x.example/out', 'hello');
    expect(answers(server.heard())).toEqual([]);
  });

  it('beyond flood are dropped and told once, and strangers learn nothing', async () => {
    const server = await startBed();
    server.markKnown(ALICE, BOB);
    const alice = await startSuite(server, limited('flood=1000')).online();
    await alice.see('.roster', BOB);
    const text = 'x'.repeat(20_000);
    const eve = 'eve@x.example';
    for (let i = 0; i < 40; i++) {
      await server.inject(ALICE, from(eve, `${i}.${text}`) + from(BOB, `${i}.${text}`));
    }
    await alice.see(`${BOB}/out`, ' 39.');
    const lines = (who: string) => untimed(alice.read(who, 'out')).split('\n').slice(0, -1);
    expect(lines(BOB)).toHaveLength(40);
    const [passed, told] = [
      lines(eve).filter((line) => line.startsWith('<')),
      lines(eve).filter((line) => line.startsWith('-!-')),
    ];
    expect(passed.length).toBeGreaterThan(5);
    expect(passed.length).toBeLessThan(20);
    expect(passed.map((line) => Number(/> (\d+)\./.exec(line)![1]))).toEqual(passed.map((_, i) => i));
    expect(told).toEqual(['-!- messages are dropped: more than 1000 bytes a second']);
    expect(errors(alice.dir)).toEqual([['error', eve, 'messages are dropped: more than 1000 bytes a second']]);
    await alice.see(`${eve}/out`, /-!- messages are dropped: [^\n]* \(and \d+ times more in \d+ s\)/);
    expect(errors(alice.dir)).toHaveLength(2);
    expect(answers(server.heard())).toEqual([]);
  });
});

describe('what local programs send', () => {
  it.each(['stanza=10000', 'send=10000'])(
    'beyond iq, depth, attributes or %s is dropped, and the next one goes out',
    async (size) => {
      const server = await startBed();
      const alice = await startSuite(server, limited(size, 'iq=11000', 'depth=8', 'attributes=8')).online();
      const attributes = Array.from({ length: 9 }, (_, i) => `a${i}='x'`).join(' ');
      for (const [stanza, why] of [
        [`<message to='${BOB}'><body>${'x'.repeat(10_001)}</body></message>`, 'a stanza of more than 10000 bytes'],
        [`<iq type='get' id='a' to='${BOB}'><a>${'x'.repeat(11_001)}</a></iq>`, 'a stanza of more than 11000 bytes'],
        [`<message to='${BOB}'>${'<a>'.repeat(8)}${'</a>'.repeat(8)}</message>`, 'deeper than 8'],
        [`<message to='${BOB}' ${attributes}/>`, 'more than 8 attributes'],
      ] as const) {
        fs.writeFileSync(path.join(alice.dir, 'stanza'), `${stanza}\n`);
        await alice.sh('cat stanza > in; rm stanza');
        await alice.see('events', why);
      }
      await alice.sh(`echo "<message to='${BOB}'><body>the next</body></message>" > in`);
      await until(() => server.heard().includes('the next'));
      expect(server.heard()).not.toMatch(/x{100}|<a>|a0=/);
      expect(events(alice.dir).filter(([type]) => type === 'error')).toHaveLength(4);
    },
  );

  it('is told of once while it goes on, and then how often it was', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await alice.sh(`i=0; while [ $i -lt 2000 ]; do echo '<nonsense/>'; i=$((i + 1)); done > in; echo '<other/>' > in`);
    await alice.see('events', 'in: dropped a stanza: <nonsense> is no stanza (and 1999 times more in ');
    expect(events(alice.dir).filter(([type]) => type === 'error')).toEqual([
      ['error', '-', 'in: dropped a stanza: <nonsense> is no stanza'],
      ['error', '-', 'in: dropped a stanza: <other> is no stanza'],
      ['error', '-', expect.stringMatching(/and 1999 times more in [1-9] s/)],
    ]);
    await until(() => alice.err().split('\n').length === 4);
  });

  it('a line beyond line or stanza is answered in out, and no part of it is sent', async () => {
    const server = await startBed();
    const alice = await startSuite(server, limited('stanza=10000', 'line=20000')).online();
    await alice.chat(BOB);
    await alice.sh(
      `printf '%09990d\\n' 0 > ${BOB}/in; (head -c 9000000 /dev/zero | tr '\\0' y; echo) > ${BOB}/in; echo ok > ${BOB}/in`,
    );
    await alice.see(`${BOB}/out`, `<${ALICE}> ok`);
    expect(untimed(alice.read(BOB, 'out'))).toMatch(
      RegExp(
        `^-!- not sent \\(too long: 9990 bytes\\): 0+…?\n-!- not sent \\(too long: 9000000 bytes\\): y+…?\n<${ALICE}> ok\n$`,
      ),
    );
    const [first, second] = alice
      .read(BOB, 'log')
      .split('\n', 2)
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({ dir: 'refused', body: '0'.repeat(9990) });
    expect(second).toMatchObject({ dir: 'refused', length: 9_000_000 });
    expect(Buffer.from(second.bytes, 'base64').toString()).toBe('y'.repeat(20_000));
    expect(server.heard()).not.toMatch(/0{100}|y{100}/);
  });
});

describe('what is kept', () => {
  it('of contacts, those beyond contacts are not served, and it is said', async () => {
    const dir = newAccount();
    const jids = Array.from({ length: 12 }, (_, i) => `c${10 + i}@x.example`);
    for (const jid of jids) fs.mkdirSync(path.join(dir, jid));
    const server = await startBed();
    const alice = await startSuite(server, { ...limited('contacts=10'), dir }).online();
    await until(() => alice.err().includes('cannot open in: 10 contacts have theirs, and no more are served'));
    // A FIFO without a reader refuses who does not want to wait.
    const served = () =>
      jids.filter((jid) => {
        try {
          fs.closeSync(fs.openSync(path.join(dir, jid, 'in'), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK));
          return true;
        } catch {
          return false;
        }
      });
    await until(() => served().length === 10);
    // Who makes room is followed by another one.
    fs.rmSync(path.join(dir, served()[0]!), { recursive: true });
    process.kill(alice.pid('messaged'), 'SIGHUP');
    await until(() => served().length === 10);
  });

  it('of a plain file in the place of in no more than 1 MiB is sent', async () => {
    const dir = newAccount();
    for (const [jid, size] of [
      ['small@x.example', 1000],
      ['large@x.example', 1_100_000],
    ] as const) {
      fs.mkdirSync(path.join(dir, jid));
      fs.writeFileSync(
        path.join(dir, jid, 'in'),
        'x'
          .repeat(99)
          .concat('\n')
          .repeat(size / 100),
      );
    }
    const server = await startBed();
    const alice = await startSuite(server, { dir }).online();
    await alice.see('small@x.example/out', 'x');
    await until(() => alice.err().includes('cannot read .in.early: it has more than 1048576 bytes'));
    expect(fs.statSync(path.join(dir, 'large@x.example', '.in.early')).size).toBe(1_100_000);
    expect(alice.read('large@x.example', 'out')).toBe('');
  });

  it('of resources of a contact, the oldest beyond resources is forgotten', async () => {
    const server = await startBed();
    const alice = await startSuite(server, limited('resources=2')).online();
    await server.online(ALICE);
    const presence = (resource: string, priority: number) =>
      `<presence from='${BOB}/${resource}'><status>${resource}</status><priority>${priority}</priority></presence>`;
    await server.inject(ALICE, presence('first', 9) + presence('second', 1));
    await alice.see(`${BOB}/presence`, 'first');
    await server.inject(ALICE, presence('third', 2));
    await alice.see(`${BOB}/presence`, 'third');
  });

  it('of what a daemon sends before there is a session, it waits with the rest', async () => {
    const server = await startBed({ faults: { silentFrom: 'bind' } });
    const bin = path.dirname(newAccount());
    fs.writeFileSync(path.join(bin, 'presenced'), `#!/bin/sh\nexec yes "<presence to='${BOB}'/>" >&3\n`, {
      mode: 0o700,
    });
    const alice = startSuite(server, {
      env: { PATH: `${bin}:${path.resolve('bin')}:${process.env.PATH}` },
      options: ['-t', '2'],
    });
    let written = 0;
    let over = false;
    void alice.ended.then(() => {
      over = true;
    });
    await until(() => {
      const yes = group(alice.child.pid!).find(({ name }) => name === 'yes');
      const [, bytes = '0'] = /^wchar: (\d+)/m.exec(yes === undefined ? '' : contents(`/proc/${yes.pid}/io`)) ?? [];
      written = Math.max(written, Number(bytes));
      return over;
    });
    expect(written).toBeGreaterThan(1_000_000);
    expect(written).toBeLessThan(4_000_000);
  });

  it('of open requests, the oldest beyond requests is given up', async () => {
    const server = await startBed();
    const bob = await connectClient({ ...server, domain: DOMAIN, user: 'bob', password: PASSWORDS.bob });
    const alice = await startSuite(server, limited('requests=2')).online();
    await until(() => alice.read('.roster') !== '' || fs.existsSync(path.join(alice.dir, '.roster')));
    for (const id of ['one', 'two', 'three'])
      await alice.sh(`echo "<iq type='get' id='${id}' to='${bob.jid}'><a xmlns='urn:a'/></iq>" > in`);
    await until(() => bob.received().filter(({ stanza }) => stanza.name === 'iq').length === 3);
    for (const id of ['one', 'two', 'three']) bob.send(`<iq type='result' id='${id}' to='${ALICE}/desk'/>`);
    await until(() => fs.existsSync(path.join(alice.dir, 'three')));
    expect(['one', 'two', 'three'].map((id) => fs.existsSync(path.join(alice.dir, id)))).toEqual([false, true, true]);
  });
});

describe('handlers', () => {
  /** Alice with a handler, and what it does with three requests. */
  async function asked(script: string, ...limits: string[]) {
    const dir = newAccount();
    fs.mkdirSync(path.join(dir, 'ext'));
    fs.writeFileSync(path.join(dir, 'ext', 'urn:a'), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    const server = await startBed();
    const alice = await startSuite(server, { ...limited(...limits), dir }).online();
    await server.online(ALICE);
    const ask = (id: string) => `<iq type='get' id='${id}' from='${BOB}/r' to='${ALICE}/desk'><a xmlns='urn:a'/></iq>`;
    await server.inject(ALICE, ['one', 'two', 'three'].map(ask).join(''));
    const answers = () => [
      ...server.heard().matchAll(/<iq type='(\w+)' id='(one|two|three)'[^>]*>(<error .*?<\/error>)?/g),
    ];
    await until(() => answers().length === 3);
    return {
      alice,
      answers: answers().map(([, type, , error = '']) => `${type} ${/<error [^>]*><([\w-]+)/.exec(error)?.[1] ?? ''}`),
    };
  }

  it('beyond handlers wait', async () => {
    const script = `mkdir "$SJ_DIR/.alone" || exit 1; sleep 0.2; rmdir "$SJ_DIR/.alone"; echo "<a xmlns='urn:a'/>"`;
    expect((await asked(script, 'handlers=1')).answers).toEqual(Array(3).fill('result '));
  });

  it('beyond time are killed', async () => {
    const { alice, answers } = await asked('sleep 600', 'time=1');
    expect(answers).toEqual(Array(3).fill('error internal-server-error'));
    expect(alice.err()).toContain('took more than 1 s');
  });

  it('beyond output are killed', async () => {
    const { alice, answers } = await asked('yes', 'output=2000');
    expect(answers).toEqual(Array(3).fill('error internal-server-error'));
    expect(alice.err()).toContain('printed more than 2000 bytes');
  });
});

it('has a row for each limit', () => {
  const tests = fs.readFileSync(import.meta.filename, 'utf8');
  for (const name of Object.keys(TABLE)) expect(tests).toMatch(new RegExp(`beyond [a-z, ]*\\b${name}\\b|'${name}=`));
});

it('a message of 262144 lines is folded in out, which says so, and log has all of it', async () => {
  const server = await startBed();
  const alice = await startSuite(server).online();
  await server.online(ALICE);
  const body = `first${'\n'.repeat(262_144)}last`;
  await server.inject(ALICE, said(body) + said('next'));
  await alice.see(`${BOB}/out`, /> next\n$/);
  const lines = untimed(alice.read(BOB, 'out')).split('\n').slice(0, -1);
  const whole = lines.filter((line) => line.startsWith(`<${BOB}/r> `));
  expect([whole[0], whole.at(-1), whole.length + 1]).toEqual([`<${BOB}/r> first`, `<${BOB}/r> next`, lines.length]);
  // 262145 lines in all, of which `next` is none.
  const folded = 262_145 - (whole.length - 1);
  expect(lines.at(-2)).toBe(`-!- the message goes on for ${folded} more lines: log has all of it`);
  expect(alice.read(BOB, 'out').length).toBeLessThan(body.length + 65_536);
  const bodies = alice.read(BOB, 'log').split('\n').slice(0, -1);
  expect(bodies.map((line) => (JSON.parse(line) as { body: string }).body)).toEqual([body, 'next']);
});
