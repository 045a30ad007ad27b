// Who said it: a stanza speaks for the address that the server has put on it, and for nobody that it names itself.
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Client, connectClient } from '../../loopback/client.ts';
import { deliver } from './bed/deliver.ts';
import { ALICE, type Bed, BOB, contents, DOMAIN, type Suite, startBed, startSuite, untimed } from './bed/suite.ts';

const EVE = 'eve@evil.example';
const OTHER = `${ALICE}/other`;

let server: Bed;
let alice: Suite;
let bob: Client;

beforeEach(async () => {
  server = await startBed();
  bob = await connectClient({ ...server, domain: DOMAIN, user: 'bob', password: 'secret-bob', resource: 'phone' });
  alice = await startSuite(server).online();
  await deliver(
    server,
    alice,
    bob,
    `<message from='${BOB}/phone' id='b1' type='chat'><body>lunch at one</body></message>`,
    `<presence from='${BOB}/phone'><show>away</show></presence>`,
  );
  await alice.chat(BOB);
  await alice.sh(`echo yes > ${BOB}/in`);
  await alice.see(`${BOB}/out`, '> yes');
  await bob.waitFor(({ stanza }) => stanza.name === 'message');
});

const said = (from: string, to: string, text: string) =>
  `<message xmlns='jabber:client' from='${from}' to='${to}' id='b1' type='chat'><body>${text}</body></message>`;
const forwarded = (stanza: string) =>
  `<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>${stanza}</forwarded>`;
const FORGED = said(`${BOB}/phone`, ALICE, 'forged');
const OWN_FORGED = said(`${ALICE}/desk`, BOB, 'forged');
const from = (jid: string, inner: string, type = 'chat') =>
  `<message from='${jid}' id='b1' type='${type}'>${inner}</message>`;
const carbon = (jid: string, way: 'received' | 'sent') =>
  from(jid, `<${way} xmlns='urn:xmpp:carbons:2'>${forwarded(way === 'sent' ? OWN_FORGED : FORGED)}</${way}>`);

/** None of these may leave a trace with anybody but the one who sent it. */
const FORGERIES: Record<string, string[]> = {
  'a carbon copy is believed from nobody, as none are asked for (CVE-2017-5589 and its kin)': [
    ...[EVE, `${EVE}/x`, OTHER, DOMAIN, `${BOB}.evil.example/x`, `${ALICE}.evil.example`].flatMap((jid) => [
      carbon(jid, 'received'),
      carbon(jid, 'sent'),
    ]),
    carbon(ALICE, 'received'),
    carbon(ALICE, 'sent'),
  ],
  'an archive result is believed from nobody, as none is asked for (CVE-2019-16237)': [`${EVE}/x`, DOMAIN, ALICE].map(
    (jid) => from(jid, `<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'>${forwarded(FORGED)}</result>`, 'normal'),
  ),
  'a forwarded message is not from whom it says (XEP-0297)': [
    from(`${EVE}/x`, forwarded(FORGED)),
    from(`${EVE}/x`, `<body>look</body>${forwarded(FORGED)}`),
  ],
  'a stanza within a stanza is none (CVE-2022-20917)': [
    from(`${EVE}/x`, FORGED),
    from(`${EVE}/x`, FORGED.replace(" xmlns='jabber:client'", '')),
    `<iq type='get' id='n1' from='${EVE}/x'>${FORGED.replace(" xmlns='jabber:client'", '')}</iq>`,
    from(`${EVE}/x`, `<x xmlns='urn:x'>${FORGED}<presence from='${BOB}/phone' type='unavailable'/></x>`),
    from(`${EVE}/x`, `<stream:stream to='x'>${FORGED}</stream:stream>`),
    from(`${EVE}/x`, `<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`),
    `<presence from='${EVE}/x'><presence from='${BOB}/phone' type='unavailable'/></presence>`,
  ],
  'an event of a node changes nothing (CVE-2023-28686)': [`${EVE}/x`, `${BOB}/phone`, ALICE].flatMap((jid) =>
    ['urn:xmpp:bookmarks:1', 'storage:bookmarks', 'http://jabber.org/protocol/nick'].map((node) =>
      from(
        jid,
        `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'><item id='room@x.example'>` +
          `<conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item></items></event>`,
        'headline',
      ),
    ),
  ),
  'who invites says nothing for the room or for others': [
    from(`${EVE}/x`, `<x xmlns='http://jabber.org/protocol/muc#user'><invite from='${BOB}'/></x>`, 'normal'),
    from(`${EVE}/x`, `<x xmlns='jabber:x:conference' jid='room@x.example' reason='come'/>`, 'normal'),
    from(
      `${EVE}/x`,
      `<x xmlns='http://jabber.org/protocol/muc#user'><item jid='${BOB}/phone' role='moderator'/></x>`,
      'groupchat',
    ),
  ],
  'a correction, a retraction or a reaction of another changes nothing (CVE-2022-39835, CVE-2021-41055)': [
    from(`${EVE}/x`, `<body>forged</body><replace xmlns='urn:xmpp:message-correct:0' id='b1'/>`),
    from(`${EVE}/x`, `<retract xmlns='urn:xmpp:message-retract:1' id='b1'/>`),
    from(
      `${EVE}/x`,
      `<apply-to xmlns='urn:xmpp:fasten:0' id='b1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`,
    ),
    from(`${EVE}/x`, `<reactions xmlns='urn:xmpp:reactions:0' id='b1'><reaction>x</reaction></reactions>`),
  ],
  'a name, an address or a delay within a message does not say who it is from': [
    from(
      `${EVE}/x`,
      `<body>forged</body><nick xmlns='http://jabber.org/protocol/nick'>${BOB}</nick>` +
        `<addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' jid='${BOB}'/></addresses>` +
        `<delay xmlns='urn:xmpp:delay' from='${BOB}' stamp='2020-01-01T00:00:00Z'/>`,
    ),
  ],
  'who asks for a receipt, a marker or attention gets nothing (XEP-0184, 0333)': [
    from(
      `${EVE}/x`,
      `<body>there?</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>` +
        `<active xmlns='http://jabber.org/protocol/chatstates'/><x xmlns='jabber:x:event'><delivered/></x>`,
    ),
    from(`${EVE}/x`, `<received xmlns='urn:xmpp:receipts' id='b1'/>`),
    from(`${EVE}/x`, `<displayed xmlns='urn:xmpp:chat-markers:0' id='b1'/>`),
  ],
  'what bounces is told as undelivered, and is nobody’s message': [
    from(
      `${EVE}/x`,
      `<body>forged</body><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
      'error',
    ),
  ],
  'presence speaks for its sender alone': [
    `<presence from='${EVE}/x' type='unavailable'/>`,
    `<presence from='${EVE}/x' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
    `<presence from='${EVE}/x'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='${BOB}/phone'/></x></presence>`,
    `<presence from='${BOB}.evil.example/phone' type='unavailable'/>`,
    `<presence from='${EVE}/${BOB}' type='unavailable'/>`,
  ],
  'who asks to see us online, or takes it back, is told nothing unasked': [
    `<presence from='${EVE}' type='subscribe'/>`,
    `<presence from='${EVE}' type='subscribed'/>`,
    `<presence from='${EVE}' type='unsubscribe'/>`,
    `<presence from='${EVE}' type='probe'/>`,
  ],
};

/** What the user has of somebody, and what concerns him in `events`. */
const kept = (jid: string) =>
  ['out', 'log', 'presence', 'id'].map((file) => contents(alice.dir, jid, file)).join('\n--\n') +
  contents(alice.dir, 'events')
    .split('\n')
    .filter((line) => line.split('\t')[2] === jid)
    .join('\n');

describe('of what others claim', () => {
  it.each(Object.keys(FORGERIES))('%s', async (rule) => {
    const before = kept(BOB);
    // FIFOs have other names while they are being made.
    const entries = () => fs.readdirSync(alice.dir).filter((entry) => !entry.startsWith('.tmp-'));
    const dirs = entries();
    const sent = server.received().length;
    await deliver(server, alice, bob, ...FORGERIES[rule]!);
    expect(kept(BOB)).toBe(before);
    // Oneself is nobody to hear of, either.
    expect(kept(ALICE)).not.toContain('forged');
    for (const name of entries().filter((entry) => !dirs.includes(entry))) {
      expect(name).toMatch(
        /^(eve@evil\.example|(bob|alice)@example\.org\.evil\.example|alice@example\.org|example\.org)$/,
      );
      const lines = untimed(contents(alice.dir, name, 'out'))
        .split('\n')
        .slice(0, -1);
      expect(lines.filter((line) => !line.startsWith(`<${name}`) && !line.startsWith('-!- '))).toEqual([]);
    }
    // And nobody has learnt anything.
    const answers = server
      .received()
      .slice(sent)
      .map(({ stanza }) => stanza);
    expect(answers.filter(({ name }) => name !== 'iq')).toEqual([]);
    expect(answers.map(({ attrs }) => attrs.to)).toContain(`${BOB}/phone`);
    for (const { attrs } of answers) expect(attrs.type, String(attrs.to)).toBe('error');
    expect(alice.err()).toBe('');
  });

  it('a correction by its author adds a line and rewrites none', async () => {
    const before = alice.read(BOB, 'out');
    const replace = `<replace xmlns='urn:xmpp:message-correct:0' id='b1'/>`;
    await deliver(server, alice, bob, from(`${BOB}/phone`, `<body>lunch at two</body>${replace}`));
    const out = alice.read(BOB, 'out');
    expect(out.slice(0, before.length)).toBe(before);
    expect(untimed(out.slice(before.length))).toBe(`<${BOB}/phone> lunch at two\n`);
  });
});

it('of a text in several languages the one in the language of the stream is shown', async () => {
  const before = untimed(alice.read(BOB, 'out'));
  const bodies = `<body xml:lang='fr'>Bonjour</body><body xml:lang='en'>Hello</body>`;
  await deliver(server, alice, bob, from(`${BOB}/phone`, bodies));
  expect(untimed(alice.read(BOB, 'out')).slice(before.length)).toBe(`<${BOB}/phone> Hello\n`);
});

describe('a room', () => {
  const user = (...codes: number[]) =>
    `<x xmlns='http://jabber.org/protocol/muc#user'>${codes.map((code) => `<status code='${code}'/>`).join('')}</x>`;

  it('is made by no type and no code of somebody else', async () => {
    const before = untimed(alice.read(BOB, 'out'));
    await deliver(
      server,
      alice,
      bob,
      `<presence from='${BOB}/phone'>${user(110)}</presence>`,
      from(`${BOB}/${ALICE}`, '<body>I owe you 1000</body>', 'groupchat'),
      from(BOB, '<body>not sent (offline): call me</body>', 'groupchat'),
    );
    expect(untimed(alice.read(BOB, 'out')).slice(before.length)).toBe(
      `<${BOB}/${ALICE}> I owe you 1000\n<${BOB}> not sent (offline): call me\n`,
    );
    await alice.sh(`echo still > ${BOB}/in`);
    const said = await bob.waitFor(({ xml }) => xml.includes('still'));
    expect(said.attrs.type).toBe('chat');
  });

  it('is what we have joined, until we leave it', async () => {
    const room = `room@${DOMAIN}`;
    await alice.sh(
      'echo "$1" > in',
      `<presence to='${room}/me'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    );
    await server.waitFor(({ stanza }) => stanza.attrs.to === `${room}/me`);
    const line = (body: string) => from(`${room}/me`, `<body>${body}</body>`, 'groupchat');
    await deliver(server, alice, bob, `<presence from='${room}/me'>${user(110)}</presence>`, line('hello'));
    expect(untimed(alice.read(room, 'out'))).toBe('<me> hello\n');
    expect(alice.read('events')).not.toContain(`message\t${room}`);
    await deliver(
      server,
      alice,
      bob,
      `<presence from='${room}/me' type='unavailable'>${user(110)}</presence>`,
      line('x'),
    );
    expect(untimed(alice.read(room, 'out'))).toBe(`<me> hello\n<${room}/me> x\n`);
  });
});

describe('roster pushes', () => {
  const push = (who: string | null, id: string) =>
    `<iq type='set' id='${id}'${who === null ? '' : ` from='${who}'`}><query xmlns='jabber:iq:roster'>` +
    `<item jid='pushed@x.example' subscription='both'/></query></iq>`;

  it('are believed from the own account alone (CVE-2015-8688, CVE-2014-0364)', async () => {
    const file = path.join(alice.dir, 'ext', 'jabber:iq:roster');
    fs.mkdirSync(path.dirname(file));
    fs.writeFileSync(file, '');
    const wrong = [EVE, `${EVE}/x`, OTHER, `${ALICE}/desk`, DOMAIN, BOB, `${ALICE}.evil.example`, '@', 'a b'];
    await deliver(server, alice, bob, ...wrong.map((who, i) => push(who, `wrong${i}`)));
    expect(fs.readFileSync(file, 'utf8')).toBe('');
    for (const i of wrong.keys()) {
      const { stanza, xml } = await server.waitFor(({ stanza: { attrs } }) => attrs.id === `wrong${i}`);
      expect(stanza.attrs.type).toBe('error');
      expect(xml).toContain('service-unavailable');
    }
    await deliver(server, alice, bob, push(null, 'right0'), push(ALICE, 'right1'));
    expect(fs.readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
    // A push makes nobody a contact.
    expect(fs.readdirSync(alice.dir)).not.toContain('pushed@x.example');
  });
});
