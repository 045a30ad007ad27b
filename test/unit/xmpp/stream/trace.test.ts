import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSplitter } from '../../../../lib/xml/split.ts';
import { createTrace } from '../../../../lib/xmpp/stream/trace.ts';
import { runs } from '../../../runs.ts';

function shown(text: string): string {
  const lines: string[] = [];
  createTrace(true, (line) => lines.push(line))('sent', text);
  expect(lines).toHaveLength(1);
  return lines[0]!.slice('sent: '.length);
}

describe('a trace', () => {
  it('is one line that no terminal takes for more', () => {
    const lines: string[] = [];
    const trace = createTrace(true, (line) => lines.push(line));
    trace('recv', '<message>\n<body>\u001b[2J\u202e</body></message>');
    expect(lines).toEqual(['recv: <message>\ufffd<body>\ufffd[2J\ufffd</body></message>']);
  });
  it('takes a stanza as it stands in its buffer', () => {
    const lines: string[] = [];
    const trace = createTrace(true, (line) => lines.push(line));
    const splitter = createSplitter('fragments', {
      stanza: (piece) => trace('recv', piece),
      fault: () => expect.unreachable(),
    });
    splitter.push(Buffer.from('<a>é</a><password>x</password>'));
    expect(lines).toEqual(['recv: <a>é</a>', 'recv: <password>(secret)</password>']);
  });
  it('does nothing if it is off', () => {
    createTrace(false, () => expect.unreachable())('sent', '<a/>');
  });
  it('shows what is no secret as it is', () => {
    for (const text of [
      "<?xml version='1.0'?><stream:stream to='example.org' xmlns='jabber:client'>",
      "<message to='a'><body>password=x &lt;auth&gt;x</body><![CDATA[<auth>]]></message>",
      "<authors>x</authors><responses>y</responses><x:auth-code xmlns:x='u'>z</x:auth-code>",
      "<field var='name'><value>Romeo</value></field>",
      "<header name='Content-Type'>text/plain</header>",
      '<auth/><password/>',
      '</stream:stream>',
    ])
      expect(shown(text)).toBe(text);
  });
});

describe('a secret', () => {
  it.each([
    ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>"],
    ["<auth mechanism='PLAIN>'>AGFsaWNlAHNlY3JldA==</auth>"],
    ['<response>AGFsaWNlAHNlY3JldA==</response>'],
    ['<sasl:challenge>AGFsaWNlAHNlY3JldA==</sasl:challenge>'],
    ['<é.x:success>AGFsaWNlAHNlY3JldA==</é.x:success>'],
    ['<auth\n>AGFsaWNlAHNlY3JldA==</auth\n>'],
    ['<auth><![CDATA[AGFsaWNlAHNlY3JldA==]]></auth>'],
    ['<auth>AGFs<x/>aWNlAHNlY3JldA==<auth>AGFsaWNlAHNlY3JldA==</auth>AGFsaWNlAHNlY3JldA==</auth>'],
    ['<authenticate><initial-response>AGFsaWNlAHNlY3JldA==</initial-response></authenticate>'],
    ["<iq><query xmlns='jabber:iq:auth'><username>a</username><password>AGFsaWNlAHNlY3JldA==</password></query></iq>"],
    ["<iq><query xmlns='jabber:iq:auth'><digest>AGFsaWNlAHNlY3JldA==</digest></query></iq>"],
    [
      "<iq><query xmlns='jabber:iq:register'><r:password xmlns:r='jabber:iq:register'>AGFsaWNlAHNlY3JldA==</r:password></query></iq>",
    ],
    ["<field var='password'><value>AGFsaWNlAHNlY3JldA==</value></field>"],
    ['<field type="text-private" var="x"><value>AGFsaWNlAHNlY3JldA==</value></field>'],
    ["<field label='a' var = 'muc#roomconfig_roomsecret'><value>AGFsaWNlAHNlY3JldA==</value></field>"],
    ["<field var='p&#97;ssword'><value>AGFsaWNlAHNlY3JldA==</value></field>"],
    ["<header name='Authorization'>AGFsaWNlAHNlY3JldA==</header>"],
    ["<x xmlns='jabber:x:conference' jid='r@example.org' password='AGFsaWNlAHNlY3JldA=='/>"],
    ["<token xmlns='urn:xmpp:fast:0' expiry='x' token = \"AGFsaWNlAHNlY3JldA==\"/>"],
    ["<service s:password='AGFsaWNlAHNlY3JldA=='></service>"],
    ['<auth>AGFsaWNlAHNlY3JldA=='],
    ["<auth mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</aut"],
  ])('%s', (text) => {
    const line = shown(`<before/>${text}`);
    expect(line).not.toContain('AHNl');
    expect(line).toMatch(/^<before\/>.*\(secret\)/);
  });

  it('is never shown, however it is written down, and what is around it is', () => {
    const secret = 'cGVuY2ls';
    const names = ['auth', 'response', 'challenge', 'success', 'password', 'digest'];
    const written = fc.constantFrom(
      secret,
      `<![CDATA[${secret}]]>`,
      `<![CDATA[cGVu]]><![CDATA[Y2ls]]>${secret}`,
      [...secret].map((c) => `&#${c.charCodeAt(0)};`).join(''),
      ` \n${secret}\t`,
      `<x a='>'>${secret}</x>`,
      `<x/>${secret}<y b="/">${secret}</y>`,
      `<auth>${secret}</auth>${secret}`,
      `<![CDATA[</auth></response></password>]]>${secret}`,
      '',
    );
    const attrs = fc.constantFrom(
      '',
      ' ',
      " mechanism='PLAIN'",
      ' a=">"',
      " a='/>'",
      '\n a = "\'>"',
      " xmlns='u'",
      " a='/'",
    );
    const prefix = fc.constantFrom('', 'p:', 'é:', 'a.b-c:', '_:');
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        prefix,
        attrs,
        written,
        fc.nat({ max: 3 }),
        (name, p, attr, content, depth) => {
          const inner = `<${p}${name}${attr}>${content}</${p}${name}>`;
          const line = shown(`${'<iq>'.repeat(depth)}<b>seen</b>${inner}<c>too</c>${'</iq>'.repeat(depth)}`);
          expect(line).not.toMatch(/cGVu|Y2ls|&#/);
          expect(line).toContain('<b>seen</b>');
          expect(line).toContain(`(secret)</${p}${name}><c>too</c>`);
        },
      ),
      { numRuns: runs(3000) },
    );
  });
});
