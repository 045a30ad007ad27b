import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../../lib/chat/model.ts';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { escapeXml as xml } from '../../../../lib/xml/write.ts';
import { readMessage, readStamp } from '../../../../lib/xmpp/codec/message.ts';

const OWN = 'me@example.org';
const NOW = Date.parse('2024-05-06T07:08:09.000Z');

const read = (stanza: string): Message | null => readMessage(parseElement(stanza), OWN, NOW);
const chat = (inner: string) =>
  read(`<message from='bob@example.net/phone' to='${OWN}/x' type='chat' id='i1'>${inner}</message>`)!;

describe('who and what', () => {
  it('reads a chat message', () => {
    expect(chat('<body>hi &amp; bye</body><thread>t</thread>')).toEqual({
      contact: 'bob@example.net',
      group: false,
      delayed: false,
      from: 'bob@example.net/phone',
      to: 'me@example.org/x',
      type: 'chat',
      id: 'i1',
      sid: undefined,
      subject: undefined,
      thread: 't',
      body: 'hi & bye',
      time: NOW,
      error: undefined,
    });
  });

  it('brings the contact into normal form and leaves the sender as named', () => {
    const message = read(`<message from='Bob@EXAMPLE.net/A b'><body>x</body></message>`)!;
    expect([message.contact, message.from]).toEqual(['bob@example.net', 'Bob@EXAMPLE.net/A b']);
  });

  it.each(['', '@', 'a b@c', '../x', 'a@b@c', '/x', 'a@..'])('has no contact for what is no JID: %j', (from) => {
    expect(read(`<message from='${from}'><body>x</body></message>`)).toBe(null);
  });

  it('takes what comes from nowhere for the own account', () => {
    expect(read('<message><body>x</body></message>')).toMatchObject({ contact: OWN, from: OWN });
  });

  it.each([
    ['', 'normal'],
    [`type='normal'`, 'normal'],
    [`type='headline'`, 'headline'],
    [`type='groupchat'`, 'groupchat'],
    [`type='no such type'`, 'normal'],
    [`type='toString'`, 'normal'],
  ])('knows the type %j as %s', (attribute, type) => {
    expect(read(`<message from='a@b' ${attribute}><body>x</body></message>`)!.type).toBe(type);
  });
});

describe('the body', () => {
  it('is empty where there is none to show', () => {
    for (const inner of [
      '',
      '<body/>',
      '<body></body>',
      `<composing xmlns='http://jabber.org/protocol/chatstates'/>`,
      '<subject>s</subject>',
      `<body xmlns='http://jabber.org/protocol/xhtml-im'>x</body>`,
    ]) {
      expect(chat(inner).body).toBe('');
    }
  });

  it('is text, be it blank', () => {
    expect(chat('<body>  </body>').body).toBe('  ');
    expect(chat('<body>a<b xmlns="x">not</b>c</body>').body).toBe('ac');
  });

  it('is the one without a language, else the first', () => {
    expect(chat(`<body xml:lang='de'>Hallo</body><body>Hi</body><body>Hey</body>`).body).toBe('Hi');
    expect(chat(`<body xml:lang='de'>Hallo</body><body xml:lang='cs'>Ahoj</body>`).body).toBe('Hallo');
    expect(chat(`<body>Hi</body><body xml:lang='de'>Hallo</body>`).body).toBe('Hi');
  });

  it('is the one in the language of the stanza, or else of the stream', () => {
    const bodies = `<body xml:lang='fr'>Bonjour</body><body xml:lang='de'>Hallo</body>`;
    const of = (lang: string, stream?: string) =>
      readMessage(
        parseElement(`<message from='a@b'${lang && ` xml:lang='${lang}'`}>${bodies}</message>`),
        OWN,
        NOW,
        stream,
      )!.body;
    expect([of('de'), of('DE-at'), of('fr'), of('cs'), of('')]).toEqual([
      'Hallo',
      'Hallo',
      'Bonjour',
      'Bonjour',
      'Bonjour',
    ]);
    expect([of('', 'de'), of('fr', 'de')]).toEqual(['Hallo', 'Bonjour']);
    const subjects = `<subject xml:lang='fr'>a</subject><subject xml:lang='de'>b</subject>`;
    expect(read(`<message from='a@b' xml:lang='de'>${subjects}</message>`)!.subject).toBe('b');
  });

  it('is never that of a stanza within', () => {
    const inner = `<message xmlns='jabber:client' from='eve@x' to='${OWN}'><body>forged</body></message>`;
    for (const [name, ns] of [
      ['sent', 'urn:xmpp:carbons:2'],
      ['received', 'urn:xmpp:carbons:2'],
      ['result', 'urn:xmpp:mam:2'],
    ]) {
      expect(
        chat(`<${name} xmlns='${ns}'><forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></${name}>`).body,
      ).toBe('');
    }
    expect(chat(inner).body).toBe('');
  });
});

describe('the time', () => {
  const delay = (stamp: string) => `<delay xmlns='urn:xmpp:delay' stamp='${stamp}'/>`;
  const timeOf = (...stamps: string[]) =>
    new Date(chat(`<body>x</body>${stamps.map(delay).join('')}`).time).toISOString();

  it('is that of the stamp, the oldest of several', () => {
    expect(timeOf('2024-01-02T03:04:05Z')).toBe('2024-01-02T03:04:05.000Z');
    expect(timeOf('2024-01-02T03:04:05.5+01:00')).toBe('2024-01-02T02:04:05.500Z');
    expect(timeOf('2024-02-02T03:04:05Z', '2024-01-02T03:04:05Z', '2024-03-02T03:04:05Z')).toBe(
      '2024-01-02T03:04:05.000Z',
    );
  });

  it.each([
    '',
    'yesterday',
    '2024-13-02T03:04:05Z',
    '2024-01-02',
    '2024-01-02T03:04:05',
    '9999-12-31T23:59:59Z',
    '+99999-01-01T00:00:00Z',
    'Infinity',
  ])('is now where the stamp is none, or in the future: %j', (stamp) =>
    expect(timeOf(stamp)).toBe(new Date(NOW).toISOString()),
  );

  it('does not go back beyond 1970', () => {
    expect(timeOf('0000-01-01T00:00:00Z')).toBe('1970-01-01T00:00:00.000Z');
  });

  it('is not taken from another namespace', () => {
    expect(chat(`<body>x</body><delay xmlns='urn:x' stamp='2024-01-02T03:04:05Z'/>`).time).toBe(NOW);
  });

  it('is a time whatever the stamp', () => {
    const digits = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)$/);
    fc.assert(
      fc.property(fc.oneof(digits, fc.string()), (stamp) => {
        const time = readStamp(stamp);
        if (time === undefined) return;
        expect(() => new Date(time).toISOString()).not.toThrow();
        expect(time).toBeGreaterThanOrEqual(0);
        expect(new Date(time).getUTCFullYear()).toBeLessThanOrEqual(10_000);
      }),
    );
  });
});

describe('the id of the archive', () => {
  const sid = (by: string) => `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='s-${by}'/>`;

  it('is taken from the own account only, in a room from the room', () => {
    expect(chat(`<body>x</body>${sid('bob@example.net')}${sid(OWN)}`).sid).toBe(`s-${OWN}`);
    expect(chat(`<body>x</body>${sid('bob@example.net')}`).sid).toBe(undefined);
    const room = read(
      `<message from='r@conf/nick' type='groupchat'><body>x</body>${sid(OWN)}${sid('r@conf')}</message>`,
    )!;
    expect(room.sid).toBe('s-r@conf');
  });
});

describe('an error', () => {
  const error = (inner: string) =>
    read(`<message from='a@b' type='error'><body>my text</body>${inner}</message>`)!.error;
  const NS = `xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'`;

  it('has a condition and perhaps a text', () => {
    expect(
      error(`<error type='cancel'><item-not-found ${NS}/><text ${NS}>no &lt;such&gt; user</text></error>`),
    ).toEqual({
      condition: 'item-not-found',
      text: 'no <such> user',
    });
    expect(error(`<error type='cancel'><gone ${NS}>xmpp:c@d</gone><extra xmlns='x'/></error>`)).toEqual({
      condition: 'gone',
      text: '',
    });
  });

  it('is undefined where the stanza does not say', () => {
    const nothing = { condition: 'undefined-condition', text: '' };
    expect(error('')).toEqual(nothing);
    expect(error('<error/>')).toEqual(nothing);
    expect(error(`<error><item-not-found/><text>x</text></error>`)).toEqual(nothing);
  });

  it('is none where the type is another', () => {
    expect(chat(`<error><item-not-found ${NS}/></error>`).error).toBe(undefined);
  });
});

it('reads any text exactly', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\t', '<', '&', ']]>', '\u2028', 'é', '😀', '\u202e', '\u0085'),
  });
  fc.assert(
    fc.property(text, (body) => {
      expect(chat(`<body>${xml(body)}</body>`).body).toBe(body);
    }),
  );
});
