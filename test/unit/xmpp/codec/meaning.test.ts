import { describe, expect, it } from 'vitest';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { isRead, readMessage } from '../../../../lib/xmpp/codec/message.ts';

const read = (inner: string) =>
  readMessage(parseElement(`<message from='bob@x/p'>${inner}</message>`), 'me@x', Date.now())!;
const notices = (inner: string) => read(inner).meaning?.notices ?? [];

const INVITE = `<x xmlns='jabber:x:conference' jid='r@c' reason='come'/>`;
const MEDIATED = `<x xmlns='http://jabber.org/protocol/muc#user'><invite from='eve@x/p'><reason>why not</reason></invite></x>`;
const link = (url: string) => `<x xmlns='jabber:x:oob'><url>${url}</url><desc>a cat</desc></x>`;

describe('without a text', () => {
  it.each([
    ['an invitation', INVITE, 'invitation to the room r@c: come'],
    ['an invitation by the room', MEDIATED + INVITE, 'invitation to the room bob@x from eve@x/p: why not'],
    [
      'a refused invitation',
      `<x xmlns='http://jabber.org/protocol/muc#user'><decline from='eve@x'/></x>`,
      'invitation declined by eve@x',
    ],
    ['OMEMO', `<encrypted xmlns='eu.siacs.conversations.axolotl'/>`, 'encrypted (OMEMO), cannot be read here'],
    [
      'OMEMO of today',
      `<encrypted xmlns='urn:xmpp:omemo:2'/><encryption xmlns='urn:xmpp:eme:0' name='OMEMO'/>`,
      'encrypted (OMEMO), cannot be read here',
    ],
    ['OpenPGP', `<x xmlns='jabber:x:encrypted'>abc</x>`, 'encrypted (OpenPGP), cannot be read here'],
    [
      'another encryption',
      `<encryption xmlns='urn:xmpp:eme:0' namespace='urn:e'/>`,
      'encrypted (urn:e), cannot be read here',
    ],
    ['a link', link('https://x/y.png'), 'link: https://x/y.png: a cat'],
    [
      'a reaction',
      `<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction></reactions>`,
      'reacts with 👍',
    ],
    ['attention', `<attention xmlns='urn:xmpp:attention:0'/>`, 'asks for attention'],
    ['a call', `<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>`, 'is calling'],
    ['the end of a call', `<retract xmlns='urn:xmpp:jingle-message:0' id='1'/>`, 'has ended the call'],
    ['a retraction', `<retract xmlns='urn:xmpp:message-retract:1' id='1'/>`, 'asks to delete a message'],
    ['a form', `<x xmlns='jabber:x:data'><title>Vote</title></x>`, 'form: Vote'],
    ['what is not known', `<thing xmlns='urn:y'/>`, 'message without a text: thing (urn:y)'],
  ])('%s is told', (_, inner, notice) => {
    expect(notices(inner)).toEqual([notice]);
    expect(read(inner).meaning!.source).toMatch(/^</);
  });

  it('formatted text is the text', () => {
    const html = `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>one <b>two</b></p><p>three<br/>four</p></body></html>`;
    expect(read(html).meaning).toMatchObject({ text: 'one two\nthree\nfour', notices: [] });
    expect(read(`<body>x</body>${html}`).meaning).toMatchObject({ text: '', notices: [], source: undefined });
  });

  it.each([
    `<active xmlns='http://jabber.org/protocol/chatstates'/>`,
    `<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>`,
    `<event xmlns='http://jabber.org/protocol/pubsub#event'/>`,
    `<sent xmlns='urn:xmpp:carbons:2'/>`,
    `<result xmlns='urn:xmpp:mam:2'/>`,
    `<message xmlns='jabber:client'><attention xmlns='urn:xmpp:attention:0'/></message>`,
  ])('nothing is told of %s', (inner) => expect(notices(inner)).toEqual([]));
});

it('tells with a text only what the text may not say', () => {
  const body = '<body>https://x/y.png</body>';
  expect(notices(body + link('https://x/y.png'))).toEqual([]);
  expect(notices(body + link('https://x/other'))).toEqual(['link: https://x/other: a cat']);
  expect(notices(body + INVITE)).toEqual(['invitation to the room r@c: come']);
  expect(notices(`${body}<encrypted xmlns='urn:xmpp:omemo:2'/><thing xmlns='urn:y'/>`)).toEqual([]);
});

it('is short, however much is claimed', () => {
  const long = 'x'.repeat(100_000);
  const many = Array.from({ length: 1000 }, (_, i) => `<t${i} xmlns='urn:${i}'/>`).join('');
  expect(notices(many)).toHaveLength(8);
  for (const inner of [
    `<x xmlns='jabber:x:conference' jid='${long}' reason='${long}'/>`,
    `<x xmlns='http://jabber.org/protocol/muc#user'><invite from='${long}'><reason>${long}</reason></invite></x>`,
    `<reactions xmlns='urn:xmpp:reactions:0' id='1'>${`<reaction>${'y'.repeat(90)}</reaction>`.repeat(1000)}</reactions>`,
    link(long),
    `<${long} xmlns='urn:${long}'/>`,
  ])
    expect(notices(inner).join('').length).toBeLessThan(500);
});

it('costs nothing where a person would not want to know', () => {
  expect(['http://jabber.org/protocol/chatstates', 'urn:xmpp:hints', 'urn:xmpp:carbons:2'].map(isRead)).toEqual([
    false,
    false,
    false,
  ]);
  expect(['jabber:client', 'urn:xmpp:receipts', 'jabber:x:oob'].map(isRead)).toEqual([true, true, true]);
});
