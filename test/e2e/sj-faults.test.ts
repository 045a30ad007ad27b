// What XMPP forbids: from the server it ends the stream, from a local program it is dropped.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Faults } from '../../loopback/faults.ts';
import { ALICE, type Bed, BOB, events, startBed, startSuite, until, untimed } from './bed/suite.ts';

const said = (body: string) => `<message from='${BOB}/r' to='${ALICE}' type='chat'><body>${body}</body></message>`;

describe('the server sends', () => {
  const text = (raw: string | Buffer) => Buffer.from(raw);
  const FAULTS: [what: string, raw: Buffer, condition: string][] = [
    ['a DOCTYPE', text('<!DOCTYPE x [<!ENTITY a "b">]>'), 'restricted-xml'],
    ['a processing instruction', text('<?php evil ?>'), 'restricted-xml'],
    ['an XML declaration', text("<?xml version='1.0'?>"), 'restricted-xml'],
    ['a comment', text('<!-- x -->'), 'restricted-xml'],
    ['a comment in a stanza', text(`<message from='${BOB}/r'><!-- x --><body>x</body></message>`), 'restricted-xml'],
    ['an entity of its own', text(`<message from='${BOB}/r'><body>&lol;</body></message>`), 'restricted-xml'],
    ['an undeclared prefix', text(`<message from='${BOB}/r'><x:body>x</x:body></message>`), 'not-well-formed'],
    ['a duplicate attribute', text(`<message from='${BOB}/r' id='1' id='2'/>`), 'not-well-formed'],
    [
      'an attribute twice by its namespace',
      text("<message a:x='1' b:x='2' xmlns:a='u' xmlns:b='u'/>"),
      'not-well-formed',
    ],
    ['tags that do not match', text(`<message from='${BOB}/r'><body>x</message></body>`), 'not-well-formed'],
    ['text between stanzas', text('hello'), 'not-well-formed'],
    ['a NUL', text(`<message from='a\0b@x'/>`), 'not-well-formed'],
    ['a NUL as a reference', text(`<message from='a&#0;b@x'/>`), 'not-well-formed'],
    ['an ESC as a reference', text(`<message from='a@x'><body>&#27;[2J</body></message>`), 'not-well-formed'],
    ['a surrogate', Buffer.from('<message><body>\xed\xa0\x80</body></message>', 'latin1'), 'unsupported-encoding'],
    ['Latin-1', Buffer.from('<message><body>\xe9</body></message>', 'latin1'), 'unsupported-encoding'],
    ['overlong UTF-8', Buffer.from('<message><body>\xc0\xaf</body></message>', 'latin1'), 'unsupported-encoding'],
    ['a comment in a stanza that is too deep', text(`<message>${'<x>'.repeat(5000)}<!-- x -->`), 'restricted-xml'],
    ['an entity in a stanza that is too long', text(`<message><body>${'x'.repeat(4_000_000)}&lol;`), 'restricted-xml'],
    ['a wrong end tag in a stanza that is too deep', text(`<message>${'<x>'.repeat(99)}</y>`), 'not-well-formed'],
    ['a second stream', text("<stream:stream xmlns='jabber:client'>"), 'unsupported-stanza-type'],
  ];

  it.each([...new Set(FAULTS.map(([, , condition]) => condition))])(
    'what gets the stream error %s',
    async (condition) => {
      await Promise.all(FAULTS.filter((fault) => fault[2] === condition).map(ends));
    },
  );

  async function ends([what, raw, condition]: (typeof FAULTS)[number]): Promise<void> {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await server.online(ALICE);
    const heard = server.heard().length;
    void server.inject(ALICE, Buffer.concat([text(said('before')), raw, text(said('after'))]));
    expect([what, await alice.ended]).toEqual([what, 76]);
    expect(alice.err(), what).toMatch(/^sj: fatal: the server sent what XMPP forbids \([a-z-]+\): [^\n]+\n$/);
    expect(alice.err(), what).toContain(`(${condition})`);
    expect(alice.read('state')).toBe(alice.err().replace('sj: fatal:', 'failed'));
    expect(untimed(alice.read(BOB, 'out')), what).toBe(`<${BOB}/r> before\n`);
    await until(() => server.connections() === 0);
    // The error is the last that it says, and then it closes the stream.
    const last = server.heard().slice(heard);
    expect(last, what).toMatch(
      new RegExp(
        `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>(<text[^>]*>[^<]*</text>)?</stream:error></stream:stream>$`,
      ),
    );
    expect(events(alice.dir).map(([type]) => type)).toEqual(expect.arrayContaining(['online', 'message', 'offline']));
  }

  it('a stream error of its own', async () => {
    const ended = async (condition: string, code: number) => {
      const server = await startBed();
      const alice = await startSuite(server).online();
      await server.online(ALICE);
      await server.inject(ALICE, said('before'));
      server.closeStream(ALICE, condition, 'so\nthere');
      expect([condition, await alice.ended]).toEqual([condition, code]);
      expect(alice.err()).toBe(`sj: fatal: the server ended the stream: ${condition}: so\ufffdthere\n`);
      expect(untimed(alice.read(BOB, 'out'))).toBe(`<${BOB}/r> before\n`);
    };
    await Promise.all([
      ended('not-authorized', 77),
      ended('conflict', 77),
      ended('system-shutdown', 111),
      ended('undefined-condition', 111),
      ended('invalid-xml', 76),
    ]);
  });

  it('its farewell, the end of the connection, a reset', async () => {
    const lost = async (how: (server: Bed) => void, why: RegExp) => {
      const server = await startBed();
      const alice = await startSuite(server).online();
      await server.online(ALICE);
      await server.inject(ALICE, said('before'));
      await alice.see(`${BOB}/out`, 'before');
      how(server);
      expect(await alice.ended).toBe(111);
      expect(alice.err()).toMatch(why);
    };
    await Promise.all([
      lost((server) => server.closeStream(ALICE), /^sj: fatal: the server closed the stream\n$/),
      // A reset, if it had something of ours still to read.
      lost(
        (server) => server.kill(ALICE),
        /^sj: fatal: the (server closed the connection|connection broke: [^\n]+)\n$/,
      ),
      lost((server) => server.kill(ALICE, { reset: true }), /^sj: fatal: the connection broke: [^\n]+\n$/),
    ]);
  });

  it('nothing any more, and so it is given up: -t', async () => {
    const server = await startBed();
    const alice = await startSuite(server, { options: ['-t', '2'] }).online();
    await server.online(ALICE);
    // It is asked again and again; while it answers, the session lives.
    const pings = () => server.received().filter(({ xml }) => xml.includes('urn:xmpp:ping'));
    await until(() => pings().length >= 2);
    expect(alice.child.exitCode).toBe(null);
    expect(pings()[0]!.stanza.attrs).toMatchObject({ type: 'get', to: 'example.org' });
    server.freeze(ALICE, 'deaf');
    expect(await alice.ended).toBe(111);
    expect(alice.err()).toBe('sj: fatal: no answer from the server for 2 seconds\n');
    expect(alice.read('state')).toBe('failed no answer from the server for 2 seconds\n');
  });

  it('nothing from some point of the login on', async () => {
    const silent = async (silentFrom: NonNullable<Faults['silentFrom']>) => {
      const alice = startSuite(await startBed({ faults: { silentFrom } }), { options: ['-t', '1'] });
      expect([silentFrom, await alice.ended]).toEqual([silentFrom, 111]);
      expect(alice.err()).toMatch(/^sj: fatal: [^\n]*no answer from the server for 1 seconds\n$/);
    };
    await Promise.all((['connect', 'header', 'starttls', 'auth', 'bind'] as const).map(silent));
  });
});

describe('a local program writes', () => {
  const sent = "<message to='bob@example.org' id='next'><body>next</body></message>";
  const GARBAGE: [what: string, raw: string][] = [
    ['no XML', 'hello\n'],
    ['half a stanza', "<message to='x@y'><body>\n"],
    ['a DOCTYPE', '<!DOCTYPE x>\n'],
    ['a comment', '<!-- x -->\n'],
    ['an entity', "<message to='x@y'><body>&lol;</body></message>\n"],
    ['an undeclared prefix', "<message to='x@y'><x:body/></message>\n"],
    ['the end of the stream', '</stream:stream>\n'],
    ['another stream', "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>\n"],
    ['a stream error', "<error xmlns='http://etherx.jabber.org/streams'/>\n"],
    ['no stanza', "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>x</auth>\n"],
    ['an iq without an id', "<iq type='get'><query xmlns='jabber:iq:roster'/></iq>\n"],
    ['an iq without a type', "<iq id='x'><query xmlns='jabber:iq:roster'/></iq>\n"],
    ['invalid UTF-8', "<message to='x@y'><body>\xff</body></message>\n"],
  ];

  it('what is no stanza: it is dropped, and the next one goes out', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    const told = () => events(alice.dir).flatMap(([type, , detail]) => (type === 'error' ? [detail!] : []));
    for (const [i, [, raw]] of GARBAGE.entries()) {
      const next = sent.replace('next', `next${i}`);
      fs.writeFileSync(path.join(alice.dir, 'in'), raw, 'latin1');
      await alice.sh(`echo "$1" > in`, next);
      await server.waitFor(({ stanza }) => stanza.attrs.id === `next${i}`);
    }
    // The server has seen nothing of all that, and the stream is as it was.
    expect(server.received().filter(({ stanza }) => /^(x@y)$/.test(stanza.attrs.to ?? ''))).toEqual([]);
    expect(alice.read('state')).toBe(`online ${ALICE}/desk\n`);
    alice.child.kill('SIGTERM');
    expect(await alice.ended).toBe(0);
    // Each is told, but what comes again within seconds is only counted.
    const times = told().map((text) => Number(/\(and (\d+) times more in \d+ s\)$/.exec(text)?.[1] ?? 1));
    expect(times.reduce((sum, n) => sum + n)).toBe(GARBAGE.length);
    for (const text of told()) expect(text).toMatch(/^in: dropped a stanza: /);
    expect(alice.err()).toBe(
      told()
        .map((text) => `sj: warning: ${text}\n`)
        .join(''),
    );
  });

  it('several stanzas in one, and one in several', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await alice.sh(`printf "%s" "$1$1 \n\n$1" > in`, sent);
    await alice.sh(
      `{ printf "<message to='bob@example.org' id='nex"; printf "t'><body>next</bo"; echo "dy></message>"; } > in`,
    );
    const all = () => server.received().filter(({ stanza }) => stanza.attrs.id === 'next');
    await until(() => all().length === 4, alice.err);
    expect(new Set(all().map(({ xml }) => xml.replace(/ from='[^']*'/, ''))).size).toBe(1);
    expect(alice.err()).toBe('');
  });

  it('half a stanza, and others hold it open: what follows is not part of that', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    const held = fs.openSync(path.join(alice.dir, 'in'), 'w');
    for (const [i, half] of ["<message to='x@y'><body>half", "<message to='x@y' id='", '<mess', '<'].entries()) {
      await alice.sh('printf "%s" "$1" > in; echo "$2" > in', half, sent.replace('next', `next${i}`));
      await alice.sh('echo "$1" > in', sent.replace('next', `more${i}`));
      await server.waitFor(({ stanza }) => stanza.attrs.id === `more${i}`);
    }
    fs.closeSync(held);
    expect(server.received().filter(({ xml }) => xml.includes('x@y'))).toEqual([]);
    expect(server.received().flatMap(({ stanza }) => stanza.attrs.id ?? [])).toEqual(
      expect.arrayContaining(['next0', 'next1', 'next2', 'next3']),
    );
  });
});
