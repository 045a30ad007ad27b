import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { useServer } from './bed/use-server.ts';
import { goListen, goSend } from './peers/go-sendxmpp.ts';
import { startSlix } from './peers/slix.ts';
import { startSuite } from './suite.ts';

const LINES = {
  'plain words': 'hello, world',
  'other scripts': 'žluťoučký kůň, שלום, 漢字',
  emoji: '😀 👩‍👩‍👧 🇪🇺',
  'what XML escapes': `<b>&amp;</b> <&>"' a && b`,
  'the end of CDATA': 'a ]]> b',
  'a line of 60 KB': `${'lorem ipsum é '.repeat(4000)}end`,
};
const FIVE = ['one', ' two', '', '<four>', 'five'];
const LINE_SEPARATOR = '\u2028';

const [ALICE, BOB, CAROL] = ['alice@localhost', 'bob@localhost', 'carol@localhost'];

/** The lines of `out` that a message makes, without their time. */
const shown = (who: string, body: string) => body.split('\n').map((line) => `<${who}> ${line}`);
const untimed = (out: string) => out.split('\n').map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d /, ''));

describe.each([prosody, ejabberd])('messages over $name', (kind) => {
  const server = useServer(kind);

  it('go both ways with slixmpp', async () => {
    const alice = await (await startSuite(server, ALICE)).online();
    const bob = await startSlix(server, `${BOB}/slix`);
    await alice.chat(BOB);
    for (const line of Object.values(LINES)) {
      await alice.say(BOB, line);
      await bob.see('message', (m) => m.body === line && m.from === alice.full);
      bob.tell({ do: 'message', to: ALICE, body: line });
      await alice.see(`${BOB}/out`, `<${bob.jid}> ${line}\n`);
    }
    await alice.say(BOB, FIVE.join(LINE_SEPARATOR));
    await bob.see('message', (m) => m.body === FIVE.join('\n'));
    bob.tell({ do: 'message', to: alice.full, body: FIVE.join('\n') });
    const out = await alice.see(`${BOB}/out`, `<${bob.jid}> five\n`);

    const all = [...Object.values(LINES), FIVE.join('\n')];
    expect(bob.all('message').map((m) => m.body)).toEqual(all);
    expect(untimed(out)).toEqual([...all.flatMap((b) => [...shown(ALICE, b), ...shown(bob.jid, b)]), '']);
    const log = alice.read(`${BOB}/log`).trimEnd().split('\n');
    const texts = log.map((line) => Object.values(JSON.parse(line) as object));
    for (const [i, body] of all.flatMap((b) => [b, b]).entries()) expect(texts[i]).toContain(body);
  });

  it('go both ways with go-sendxmpp', async () => {
    const alice = await (await startSuite(server, ALICE)).online();
    const carol = await goListen(server, 'carol');
    await alice.chat(CAROL);
    const all = [...Object.values(LINES), FIVE.join('\n')];
    /** What carol has said; which resource she has is up to go-sendxmpp. */
    const theirs = (out: string) =>
      untimed(out)
        .filter((line) => line.startsWith(`<${CAROL}/`))
        .map((line) => line.replace(/^<[^>]*> /, ''));
    const said: string[] = [];
    for (const body of all) {
      await alice.say(CAROL, body.replaceAll('\n', LINE_SEPARATOR));
      await carol.see(`${ALICE}: ${body}\n`);
      await goSend(server, 'carol', ALICE, body);
      said.push(...body.split('\n'));
      const out = await alice.see(`${CAROL}/out`, (text) => theirs(text).length === said.length);
      expect(theirs(out)).toEqual(said);
    }
  });

  it('come from strangers, in order, and wait for those who are away', async () => {
    const bob = await startSlix(server, `${BOB}/slix`);
    const numbers = Array.from({ length: 20 }, (_, i) => `number ${i}`);
    for (const body of numbers) bob.tell({ do: 'message', to: ALICE, body });
    // Logging out makes sure that all of them are with the server.
    await bob.stop();
    const alice = await (await startSuite(server, ALICE)).online();
    const out = await alice.see(`${BOB}/out`, 'number 19\n');
    expect(untimed(out).filter((line) => line.includes('number'))).toEqual(numbers.flatMap((b) => shown(bob.jid, b)));
  });

  it('are from whom the server says, though servers pass on what looks like a stanza within another', async () => {
    const alice = await (await startSuite(server, ALICE)).online();
    const bob = await (await startSuite(server, BOB)).online();
    const inner =
      `<message xmlns='jabber:client' from='${CAROL}/x' to='${ALICE}' type='chat'><body>forged</body></message>` +
      `<presence xmlns='jabber:client' from='${CAROL}/x'><show>xa</show></presence>`;
    await bob.sh('echo "$1" > in', `<message to='${ALICE}' type='chat'>${inner}</message>`);
    await bob.sh('echo "$1" > in', `<presence to='${alice.full}'>${inner}</presence>`);
    await bob.sh('echo "$1" > in', `<iq type='get' id='n1' to='${alice.full}'>${inner}</iq>`);
    await bob.see('n1', '<iq');
    await bob.sh('echo "$1" > in', `<message to='${ALICE}' type='chat'><body>last</body></message>`);
    await alice.see(`${BOB}/out`, 'last\n');
    await alice.see(`${BOB}/presence`, 'online');
    expect(alice.read(`${CAROL}/id`)).toBe('');
    expect(alice.read(`${BOB}/out`)).not.toContain('forged');
    expect(alice.complaints()).toBe('');
  });

  it('come back where there is nobody, and the conversation says so', async () => {
    const alice = await (await startSuite(server, ALICE)).online();
    await alice.chat('nobody@localhost');
    await alice.say('nobody@localhost', 'anybody?');
    const out = await alice.see('nobody@localhost/out', '-!- ');
    expect(untimed(out)[0]).toBe(`<${ALICE}> anybody?`);
    expect(untimed(out)[1]).toMatch(/^-!- /);
  });
});
