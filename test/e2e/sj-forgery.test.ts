// What others write cannot pass for what it is not: a line of somebody else, an order to the terminal.
import { expect, it } from 'vitest';
import { value } from '../../loopback/xml.ts';
import { ALICE, BOB, contents, startBed, startSuite, until, untimed } from './bed/suite.ts';

/** Controls that XML lets through, and what changes the order of text. */
const CONTROLS =
  '\u007f\u0080\u0085\u0090\u009b\u009d\u009f\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const FORGED = '2024-01-01 10:00 <boss@x.example> pay at once';
const ENDS = ['\n', '\r', '\r\n', '\u2028', '\u2029', '\u0085', '\u000b'.replace('\u000b', '\t'), '\u009b1A', '\n\n\n'];

it('a text is the lines that it is, each under the name of who wrote it', async () => {
  const server = await startBed();
  const alice = await startSuite(server).online();
  const text = (end: string) => value(`hi${end}${FORGED}${CONTROLS}`);
  const stanzas = [
    ...ENDS.flatMap((end) => [
      `<message from='eve@x.example/${text(end)}' type='chat'><body>${text(end)}</body></message>`,
      `<message from='eve@x.example/r' type='chat'><subject>${text(end)}</subject><body>${text(end)}</body>` +
        `<nick xmlns='http://jabber.org/protocol/nick'>${text(end)}</nick></message>`,
      `<message from='eve@x.example/r' type='error'><body>${text(end)}</body><error type='cancel'>` +
        `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>${text(end)}</text></error></message>`,
      `<presence from='eve@x.example/${text(end)}'><show>${text(end)}</show><status>${text(end)}</status></presence>`,
      `<presence from='eve@x.example' type='subscribe'><status>${text(end)}</status></presence>`,
      `<message from='room@x.example/${text(end)}' type='groupchat'><subject>${text(end)}</subject></message>`,
    ]),
    `<message from='eve@x.example/r' type='chat'><body>the end</body></message>`,
    `<presence from='eve@x.example/r'><priority>9</priority><status>the end</status></presence>`,
  ];
  await server.inject(ALICE, stanzas.join(''));
  await alice.see('eve@x.example/out', 'the end');
  await alice.see('eve@x.example/presence', 'the end');

  const out = alice.read('eve@x.example', 'out');
  for (const file of ['eve@x.example/out', 'eve@x.example/presence', 'events', 'state'])
    expect(alice.read(file)).not.toMatch(UNPRINTABLE);
  expect(alice.read('room@x.example', 'out')).not.toMatch(UNPRINTABLE);
  expect(alice.err()).not.toMatch(UNPRINTABLE);
  const lines = untimed(out).split('\n').slice(0, -1);
  // Every line has the stamp and one prefix, and no prefix is the one that the text would like to have.
  expect(out.split('\n').length - 1).toBe(lines.length);
  for (const line of out.split('\n').slice(0, -1))
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d (<eve@x\.example\/[^\s>]+>|-!-) /);
  expect(lines.filter((line) => line.startsWith('<boss'))).toEqual([]);
  expect(
    lines.filter((line) => line.startsWith('<eve@x.example/r> 2024-01-01 10:00 <boss@x.example> pay')).length,
  ).toBe(
    // A lone CR in a text is shown and ends nothing, and so do the NEL, the TAB and the sequence.
    ENDS.filter((end) => /[\n\u2028\u2029]/.test(end)).length,
  );
  for (const line of alice.read('events').split('\n').slice(0, -1))
    expect(line).toMatch(/^\d+\.\d{3}\t[a-z]+\t[^\t ]+\t[^\t]*$/);
  for (const line of alice.read('eve@x.example', 'log').split('\n').slice(0, -1)) {
    expect(line).not.toMatch(/[\u0000-\u001f]/);
    expect(JSON.parse(line)).toMatchObject({ time: expect.any(String) });
  }
});

it('what goes out is what was written, whatever it holds', async () => {
  const server = await startBed();
  const alice = await startSuite(server).online();
  await alice.chat(BOB);
  const line = `</body></message><presence to='eve@x.example'/> ]]> <!-- &amp; "quoted" \t <x y='z'/>`;
  await alice.sh(`printf '%s\\n' "$1" > ${BOB}/in`, line);
  const { stanza, xml } = await server.waitFor(({ stanza: { name } }) => name === 'message');
  expect(stanza.attrs).toMatchObject({ to: BOB, type: 'chat' });
  expect(xml).toContain('&lt;/body&gt;&lt;/message&gt;&lt;presence');
  await until(() => contents(alice.dir, BOB, 'out') !== '');
  expect(untimed(alice.read(BOB, 'out'))).toBe(`<${ALICE}> ${line}\n`);
  expect(server.received().filter(({ stanza: { attrs } }) => attrs.to === 'eve@x.example')).toEqual([]);
});
