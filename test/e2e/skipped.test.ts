// What others can send and sj does not take costs its stanza, and nobody anything else.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectClient } from '../../loopback/client.ts';
import type { Faults } from '../../loopback/faults.ts';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  DOMAIN,
  events,
  group,
  PASSWORDS,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

async function peer(server: Bed) {
  const bob = await connectClient({ ...server, domain: DOMAIN, user: 'bob', password: PASSWORDS.bob, resource: 'r' });
  onTestFinished(bob.destroy);
  return bob;
}

const errors = (dir: string) => events(dir).filter(([type]) => type === 'error');
const deep = `${'<a>'.repeat(70)}${'</a>'.repeat(70)}`;
const wide = `<a xmlns='urn:x' ${Array.from({ length: 40 }, (_, i) => `xmlns:p${i}='urn:${i}' p${i}:a='1'`).join(' ')}/>`;

describe('a message that is beyond a limit', () => {
  it.each([
    ['depth', deep],
    ['attributes', wide],
  ])('is acknowledged, told with its sender, and never comes again: %s', async (_, content) => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await server.online(ALICE);
    const bob = await peer(server);
    bob.send(`<message to='${ALICE}' type='chat' id='poison'><body>lost</body>${content}</message>`);
    // Nobody who has no directory gets one by it.
    await alice.see('events', new RegExp(`\\terror\\t${BOB}\\tskipped a message: [^\\n]*: ${BOB}/r\\n`));
    expect(fs.existsSync(path.join(alice.dir, BOB))).toBe(false);
    bob.send(`<message to='${ALICE}' type='chat' id='good'><body>good</body></message>`);
    await alice.see(`${BOB}/out`, 'good');
    await until(() => server.sessions().find(({ jid }) => jid.startsWith(ALICE))?.managed?.waiting === 0);
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
    expect(server.offline(ALICE)).toEqual([]);

    const next = await startSuite(server, { dir: alice.dir }).online();
    await server.online(ALICE);
    bob.send(`<message to='${ALICE}' type='chat' id='next'><body>next</body>${content}</message>`);
    await next.see(`${BOB}/out`, `-!- skipped a message`);
    expect(errors(alice.dir)).toHaveLength(2);
    expect(untimed(next.read(BOB, 'out'))).toMatch(new RegExp(`^<${BOB}/r> good\n-!- skipped [^\n]*: ${BOB}/r\n$`));
  });

  it('waits for a daemon that is not there yet', async () => {
    const server = await startBed({
      faults: { afterBind: `<message from='${BOB}/r' to='${ALICE}'><body>early</body>${deep}</message>` },
    });
    const alice = startSuite(server);
    fs.mkdirSync(path.join(alice.dir, BOB), { mode: 0o700 });
    await alice.online();
    await alice.see(`${BOB}/out`, '-!- skipped a message');
    expect(errors(alice.dir)).toHaveLength(1);
  });

  it('is told of once while more of them come, and then how many there were', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await server.online(ALICE);
    const poison = `<message from='${BOB}/r' to='${ALICE}'>${deep}</message>`;
    await server.inject(ALICE, poison.repeat(500) + `<message from='${BOB}/r'><body>after</body></message>`);
    await alice.see(`${BOB}/out`, 'after');
    await alice.see('events', '(and 499 times more in ');
    expect(errors(alice.dir)).toHaveLength(2);
  });
});

describe('a request that is beyond a limit', () => {
  it('is answered as where nobody is online', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await server.online(ALICE);
    await server.inject(
      ALICE,
      `<iq type='get' id='q&apos;1' from='eve@x.example/r' to='${ALICE}/desk'>${deep}</iq><iq type='result' id='none'>${deep}</iq>`,
    );
    await until(
      () => /<iq type='error' id='q&apos;1' [^>]*to='eve@x.example\/r'[^>]*>.*?<\/iq>/.test(server.heard()),
      server.heard,
    );
    expect(server.heard()).toContain("<error type='cancel'><service-unavailable ");
    await alice.see('events', '\teve@x.example\tskipped an iq: ');
    expect(server.heard()).not.toContain("id='none'");
  });

  it('of a local program: its answer is an error', async () => {
    const server = await startBed();
    const bob = await peer(server);
    const alice = await startSuite(server).online();
    await alice.sh(`echo "<iq type='get' id='ask' to='${bob.jid}'><a xmlns='urn:a'/></iq>" > in`);
    await until(() => bob.received().some(({ stanza }) => stanza.attrs.id === 'ask'));
    bob.send(`<iq type='result' id='ask' to='${ALICE}/desk'><x xmlns='urn:a'>${deep}</x></iq>`);
    await until(() => contents(alice.dir, 'ask') !== '');
    expect(contents(alice.dir, 'ask')).toMatch(
      /^<iq type='error' id='ask' from='[^']*'><error type='cancel'><policy-vi/,
    );
  });
});

describe('an iq of 16 MiB', () => {
  const peak = (pid: number) => Number(/^VmHWM:\s+(\d+)/m.exec(contents(`/proc/${pid}/status`))![1]) / 1024;
  it.each([
    [
      'of elements',
      `<iq type="get" id="big" from="eve@x.example/r"><q xmlns="urn:q">${'<a/>'.repeat(4_000_000)}</q></iq>`,
    ],
    [
      'of contacts',
      `<iq type="set" id="big"><query xmlns="jabber:iq:roster">${"<item jid='a@b.c'/>".repeat(880_000)}</query></iq>`,
    ],
    [
      'of references',
      `<iq type="get" id="big" from="eve@x.example/r"><q xmlns="urn:q">${'&#65;'.repeat(3_200_000)}</q></iq>`,
    ],
  ])('takes no more memory than its text: %s', async (_, iq) => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await server.online(ALICE);
    await server.inject(ALICE, `${iq}<message from='${BOB}/r'><body>after</body></message>`);
    await alice.see(`${BOB}/out`, 'after');
    await until(() => /<iq type='(error|result)' id='big'/.test(server.heard()));
    // As trees they take 600 MiB and more.
    const sj = group(alice.child.pid!).find(({ name }) => name === 'sj')!;
    for (const pid of [sj.pid, alice.pid('iqd')]) expect(peak(pid)).toBeLessThan(350);
  });
});

describe('more than any server needs', () => {
  const FAULTS: [string, Faults][] = [
    [
      'features of 70 kB',
      { features: (xml) => xml.replace('</stream:features>', `<a xmlns='u'>${'x'.repeat(70_000)}</a>$&`) },
    ],
    [
      'an iq of 16 MiB of elements',
      { features: () => `<iq type="get" id="x"><q xmlns="urn:q">${'<a/>'.repeat(4_000_000)}</q></iq>` },
    ],
    ['endless depth', { features: () => '<a>'.repeat(20_000) }],
  ];
  it.each(FAULTS)('ends the session before the login: %s', async (_, faults) => {
    const server = await startBed({ faults });
    const alice = startSuite(server);
    expect(await alice.ended).toBe(76);
    expect(alice.err()).toContain('(policy-violation)');
  });
});
