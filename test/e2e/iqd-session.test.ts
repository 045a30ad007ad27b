/** iqd as a part of a session of sj that breaks off and goes on. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFriends } from '../../lib/tree/newcomers.ts';
import { canonical } from '../../lib/xml/write.ts';
import { makeDisk } from './bed/disk.ts';
import { type Partner, startPartner } from './bed/partner.ts';
import { ALICE, BOB as BOB_JID, contents, events, newAccount, startBed, startSuite, until } from './bed/suite.ts';

const BOB = 'bob@x/1';
const start = (dir: string) => startPartner('iqd', dir);
const ask = (id: string, ns: string, from = BOB, type = 'get') =>
  `<iq type='${type}' id='${id}' from='${from}'><query xmlns='${ns}'/></iq>`;
const answer = (id: string, text = '') => `<iq type='result' id='${id}' from='${BOB}'>${text}</iq>`;
const roster = (dir: string, ...friends: [jid: string, subscription: string][]) => writeFriends(dir, friends);

/** What it has answered, in short: id, and the condition of an error. */
const answers = (p: Partner): Record<string, string> =>
  Object.fromEntries(
    p.got
      .filter(({ attrs }) => attrs.type !== 'get')
      .map((iq) => [iq.attrs.id!, iq.getChild('error')?.getChildElements()[0]?.name ?? 'result']),
  );

function account(): string {
  const dir = newAccount();
  fs.mkdirSync(path.join(dir, 'ext'));
  return dir;
}

function script(dir: string, ns: string, body: string): void {
  fs.writeFileSync(path.join(dir, 'ext', ns), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

/** Waits until iqd has sent so many stanzas, and tells it that they were taken. */
async function take(p: Partner, count: number): Promise<void> {
  await until(() => p.got.length >= count);
  p.take();
}

describe('is done', () => {
  it('with an answer that is in its file, and with what needs none', async () => {
    const dir = account();
    const p = start(dir);
    p.session('P', 0);
    p.give(answer('q1', 'text'), `<iq type='result' id='../x'/>`);
    await until(() => p.done === 2);
    expect(p.heard[0]).toBe('hello');
    expect(contents(dir, 'q1')).toContain('text');
    expect(fs.statSync(path.join(dir, '.iqs')).mode & 0o777).toBe(0o600);
    expect(await p.end(true)).toBe(0);
    expect(p.got).toEqual([]);
  });

  it('with a request when sj has taken the answer', async () => {
    const dir = account();
    const p = start(dir);
    p.session('P', 0);
    p.give(ask('1', 'urn:none'), ask('2', 'urn:none'));
    await until(() => p.got.length === 2);
    expect(p.done).toBe(0);
    p.tell({ what: 'sent', n: 1 });
    await until(() => p.done === 1);
    p.tell({ what: 'sent', n: 2 });
    await until(() => p.done === 2);
  });

  it('in the order of what came, whatever is ready first', async () => {
    const dir = account();
    script(dir, 'urn:slow', 'while [ ! -e "$2/go" ]; do sleep 0.05; done; echo');
    const p = start(dir);
    p.session('P', 0);
    p.give(ask('slow', 'urn:slow'), answer('q1'), ask('quick', 'urn:none'));
    await take(p, 1);
    expect(answers(p)).toEqual({ quick: 'service-unavailable' });
    await until(() => contents(dir, 'q1') !== '');
    expect(p.done).toBe(0);
    fs.writeFileSync(path.join(dir, 'go'), '');
    await take(p, 2);
    await until(() => p.done === 3);
  });

  it('after ten seconds with a handler that hangs, whose answer is sent all the same', async () => {
    const dir = account();
    script(dir, 'urn:slow', 'while [ ! -e "$2/go" ]; do sleep 0.05; done; echo');
    const p = start(dir);
    p.session('P', 0);
    p.give(ask('slow', 'urn:slow'), answer('q1'));
    await until(() => p.done === 2);
    fs.writeFileSync(path.join(dir, 'go'), '');
    await take(p, 1);
    expect(answers(p)).toEqual({ slow: 'result' });
  }, 60_000);
});

it('delivers an answer for which the disk had no room when there is room again', async () => {
  const disk = await makeDisk('512k');
  const p = start(disk.dir);
  p.session('P', 0);
  p.give(answer('q0'));
  await until(() => p.done === 1);
  disk.fill();
  p.give(answer('q1', 'x'.repeat(10_000)));
  p.give(ask('1', 'urn:none'));
  await take(p, 1);
  expect(p.done).toBe(1);
  disk.free();
  await until(() => p.done === 3);
  expect(contents(disk.dir, 'q1')).toContain('xxx');
});

it('answers with an error where sj refuses to send the answer', async () => {
  const dir = account();
  script(dir, 'urn:x', `echo "<x xmlns='urn:x'/>"`);
  const p = start(dir);
  p.session('P', 0);
  p.give(ask('1', 'urn:x'));
  await until(() => p.got.length === 1);
  p.tell({ what: 'refused', n: 1, reason: 'too big' });
  await until(() => p.got.length === 2);
  expect(canonical(p.got[1]!)).toContain('internal-server-error');
  expect(p.done).toBe(0);
  p.take();
  await until(() => p.done === 1);
});

describe('when the session goes on', () => {
  it.each(['killed', 'ended'])('takes up what the one that was %s had not dealt with', async (how) => {
    const dir = account();
    execFileSync('mkfifo', [path.join(dir, 'q2')]);
    script(dir, 'urn:slow', 'echo >>"$2/runs"; while [ ! -e "$2/go" ]; do sleep 0.05; done; echo');
    const stanzas = [answer('q1'), ask('1', 'urn:none'), ask('2', 'urn:slow'), answer('q2', 'text')];
    const first = start(dir);
    first.session('P', 0);
    first.give(...stanzas);
    await take(first, 1);
    await until(() => first.done === 2 && contents(dir, 'runs') !== '');
    await (how === 'killed' ? first.kill() : first.end());
    expect(answers(first)).toEqual({ 1: 'service-unavailable' });
    fs.rmSync(path.join(dir, 'q1'));
    fs.writeFileSync(path.join(dir, 'go'), '');

    const second = start(dir);
    second.session('P', 0, true);
    second.give(...stanzas);
    const reader = fs.openSync(path.join(dir, 'q2'), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    await until(() => second.got.length === 1);
    expect(answers(second)).toEqual({ 2: 'result' });
    second.take();
    await until(() => second.done === 4);
    expect(fs.readFileSync(reader, 'utf8')).toContain('text');
    fs.closeSync(reader);
    expect(fs.existsSync(path.join(dir, 'q1'))).toBe(false);
    expect(contents(dir, 'runs')).toBe('\n\n');
    expect(events(dir)).toEqual([]);
    expect([await second.end(true), second.err()]).toEqual([0, '']);
  });

  it('takes another stanza under a number that was dealt with', async () => {
    const dir = account();
    const first = start(dir);
    first.session('P', 0);
    first.give(answer('q1'), answer('q2'));
    await until(() => first.done === 2);
    await first.kill();
    const second = start(dir);
    second.session('P', 0, true);
    second.give(answer('q2', 'again'), answer('q3'));
    await until(() => second.done === 2);
    expect(contents(dir, 'q2')).toContain('again');
    expect(contents(dir, 'q3')).not.toBe('');
  });

  it('gives every request an answer at the end of the session', async () => {
    const dir = account();
    script(dir, 'urn:slow', 'echo >"$2/started"; exec sleep 1000');
    const p = start(dir);
    p.session('P', 0);
    p.give(ask('1', 'urn:slow'));
    await until(() => contents(dir, 'started') !== '');
    expect(await p.end(true)).toBe(0);
    expect(answers(p)).toEqual({ 1: 'internal-server-error' });
  });
});

describe('those who may not see our presence', () => {
  const SHIPPED = [
    'jabber:iq:version',
    'urn:xmpp:time',
    'jabber:iq:last',
    'urn:xmpp:ping',
    'http://jabber.org/protocol/disco#info',
  ];
  /** Who gets an answer, by an own handler that tells who is what. */
  async function trusted(p: Partner, dir: string, ...jids: string[]): Promise<Record<string, string>> {
    script(dir, 'urn:trust', `echo "<x xmlns='urn:trust'>$IQ_TRUST</x>"`);
    const before = p.got.length;
    p.give(...jids.map((jid) => ask(jid, 'urn:trust', jid)));
    await take(p, before + jids.length);
    return Object.fromEntries(p.got.slice(before).map((iq) => [iq.attrs.id!, iq.getChildText('x', 'urn:trust')!]));
  }

  it('hear nothing of a shipped handler but that nobody is there', async () => {
    const dir = account();
    const p = start(dir);
    p.session('P', 0);
    roster(dir, ['bob@x', 'both'], ['eve@x', 'to']);
    p.give(...SHIPPED.flatMap((ns) => [ask(`bob ${ns}`, ns), ask(`eve ${ns}`, ns, 'eve@x/1')]));
    p.give(ask('set', 'jabber:iq:version', 'eve@x/1', 'set'), `<iq type='get' id='empty' from='eve@x'/>`);
    await take(p, 2 * SHIPPED.length + 2);
    const told = answers(p);
    for (const ns of SHIPPED)
      expect([told[`bob ${ns}`], told[`eve ${ns}`]], ns).toEqual(['result', 'service-unavailable']);
    expect([told.set, told.empty]).toEqual(['service-unavailable', 'service-unavailable']);
    for (const iq of p.got.filter(({ attrs }) => attrs.type === 'error'))
      expect(canonical(iq.getChild('error')!)).toBe(
        `<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
      );
    await until(() => p.done === 2 * SHIPPED.length + 2);
  });

  it('are all but the own account, its server, subscribers, and whom mypresence is for', async () => {
    const dir = account();
    for (const [jid, text] of [
      ['ann@x', 'away\n'],
      ['dan@x', 'offline\n'],
    ] as const) {
      fs.mkdirSync(path.join(dir, jid));
      fs.writeFileSync(path.join(dir, jid, 'mypresence'), text);
    }
    const p = start(dir);
    p.session('P', 0);
    roster(dir, ['bob@x', 'from'], ['dan@x', 'both'], ['eve@x', 'to']);
    const all = ['me@server.org', 'me@server.org/2', 'server.org', 'bob@x/1', 'ann@x', 'dan@x', 'eve@x', 'not a jid@'];
    expect(await trusted(p, dir, ...all)).toEqual({
      'me@server.org': 'self',
      'me@server.org/2': 'self',
      'server.org': 'self',
      'bob@x/1': 'contact',
      'ann@x': 'contact',
      'dan@x': 'stranger',
      'eve@x': 'stranger',
      'not a jid@': 'stranger',
    });
    p.tell({ what: 'shown', to: 'eve@x/1', on: true });
    p.tell({ what: 'shown', to: 'bob@x', on: false });
    expect(await trusted(p, dir, 'bob@x', 'eve@x')).toEqual({ 'bob@x': 'stranger', 'eve@x': 'contact' });
    p.tell({ what: 'shown', to: '', on: true });
    expect(await trusted(p, dir, 'bob@x', 'eve@x')).toEqual({ 'bob@x': 'contact', 'eve@x': 'stranger' });
    p.tell({ what: 'shown', to: '', on: false });
    expect(await trusted(p, dir, 'bob@x', 'ann@x', 'server.org')).toEqual({
      'bob@x': 'stranger',
      'ann@x': 'contact',
      'server.org': 'self',
    });
  });

  it('are known when the session goes on, and forgotten when another begins', async () => {
    const dir = account();
    roster(dir, ['bob@x', 'both']);
    const first = start(dir);
    first.session('P', 0);
    first.tell({ what: 'shown', to: '', on: true });
    first.tell({ what: 'shown', to: 'eve@x/1', on: true });
    first.tell({ what: 'shown', to: 'bob@x', on: false });
    const expected = { 'bob@x': 'stranger', 'eve@x': 'contact', 'mal@x': 'stranger' };
    expect(await trusted(first, dir, ...Object.keys(expected))).toEqual(expected);
    await until(() => first.done === 3);
    await first.kill();
    const second = start(dir);
    second.session('P', 3, true);
    expect(await trusted(second, dir, ...Object.keys(expected))).toEqual(expected);
    await second.kill();
    const third = start(dir);
    third.session('Q', 0);
    expect(await trusted(third, dir, 'bob@x', 'eve@x')).toEqual({ 'bob@x': 'contact', 'eve@x': 'stranger' });
  });

  it('change with the roster, by what our server pushes', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    const bob = await startSuite(server, { user: 'bob' }).online();
    await alice.see('.roster', /^$/);
    await bob.sh('presence -t alice@example.org subscribe');
    await alice.see('events', 'subscribe\t');
    await alice.sh('presence -t bob@example.org subscribed');
    expect(await alice.see('.roster', BOB_JID)).toBe(`${BOB_JID}\tfrom\n`);
    await bob.see(`${ALICE}/presence`, 'online');
    await bob.sh('echo "$1" > in', `<iq type='get' id='v1' to='${ALICE}/desk'><ping xmlns='urn:xmpp:ping'/></iq>`);
    expect(await bob.see('v1', '\n')).toContain(`type='result'`);
  });

  it('are told by sj from those to whom presence was sent by hand', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    const bob = await startSuite(server, { user: 'bob' }).online();
    const version = async (id: string) => {
      const query = `<query xmlns='jabber:iq:version'/>`;
      await bob.sh('echo "$1" > in', `<iq type='get' id='${id}' to='${ALICE}/desk'>${query}</iq>`);
      return (await bob.see(id, '\n')).includes('<name>sj</name>');
    };
    expect(await version('v1')).toBe(false);
    await alice.sh('presence -t bob@example.org');
    await bob.see(`${ALICE}/presence`, 'online');
    expect(await version('v2')).toBe(true);
    await alice.sh('presence -t bob@example.org unavailable');
    await bob.see(`${ALICE}/presence`, /^$/);
    expect(await version('v3')).toBe(false);
    expect(bob.read('v3')).toContain('service-unavailable');
  });
});

it.each([
  ['ends', 'xmppc', 'SIGTERM'],
  ['is killed', 'sj', 'SIGKILL'],
] as const)('handlers do not outlive iqd when sj %s', async (_, program, signal) => {
  const server = await startBed();
  const dir = account();
  // What a handler has started ends with it, and none is asked whether it likes to.
  script(
    dir,
    'urn:slow',
    `trap '' TERM INT HUP; sleep 1000 & echo "$$ $!" > ${dir}/pids.new; mv ${dir}/pids.new ${dir}/pids; wait`,
  );
  const alice = await startSuite(server, { dir }).online();
  await server.online(ALICE);
  await server.inject(ALICE, ask('1', 'urn:slow', `${BOB_JID}/r`));
  const pids = (await alice.see('pids', '\n')).trim().split(' ');
  process.kill(program === 'sj' ? alice.pid('sj') : alice.child.pid!, signal);
  await alice.ended;
  await until(() => pids.every((pid) => !fs.existsSync(`/proc/${pid}`)));
});
