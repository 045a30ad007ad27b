import { describe, expect, it } from 'vitest';
import { createSplitter, type Piece } from '../../../../lib/xml/split.ts';
import { canonical } from '../../../../lib/xml/write.ts';
import { type Asked, createAsked } from '../../../../lib/xmpp/stream/asked.ts';
import { checkOutgoing, routeIncoming, treeOf } from '../../../../lib/xmpp/stream/route.ts';
import { HEADER } from '../../xml/splitting.ts';

const asked = () => createAsked('alice@example.org/sj');

/** Gives the one stanza of a text to a function, while its bytes are there. */
function withPiece<T>(mode: 'stream' | 'fragments', text: string, use: (piece: Piece) => T): T {
  const results: T[] = [];
  const splitter = createSplitter(mode, {
    stanza: (piece) => results.push(use(piece)),
    fault(error) {
      throw error;
    },
  });
  if (mode === 'stream') splitter.push(Buffer.from(HEADER));
  splitter.push(Buffer.from(text));
  expect(results).toHaveLength(1);
  return results[0]!;
}

const incoming = (text: string, open: Asked = asked()) => withPiece('stream', text, (p) => routeIncoming(p, open));
const outgoing = (text: string, open: Asked = asked()) => withPiece('fragments', text, (p) => checkOutgoing(p, open));

describe('from the server', () => {
  it.each<[string, ReturnType<typeof incoming>]>([
    ['<message/>', 'messaged'],
    ["<presence type='unavailable'/>", 'presenced'],
    ["<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", 'iqd'],
    ["<iq type='set' id='../x'/>", 'iqd'],
    ["<c:message xmlns:c='jabber:client'/>", 'messaged'],
    ["<message xmlns='jabber:client'><x xmlns='u'/></message>", 'messaged'],
    ['<stream:error/>', 'error'],
    ["<error xmlns='http://etherx.jabber.org/streams'/>", 'error'],
    // No answer that anybody asked for.
    ["<iq type='result' id='1'/>", null],
    ["<iq type='error' id='1'/>", null],
    ["<iq type='result'/>", null],
    // No stanza.
    ["<iq id='1'/>", null],
    ["<iq type='GET' id='1'/>", null],
    ['<error/>', null],
    ['<stream:features/>', null],
    ["<message xmlns='jabber:server'/>", null],
    ['<s:message/>', null],
    ["<message xmlns=''/>", null],
    ['<Message/>', null],
    ["<r xmlns='urn:xmpp:sm:3'/>", null],
  ])('%s goes to %s', (text, way) => expect(incoming(text)).toBe(way));

  it('an answer goes to iqd if it was asked for, once, from whom it was asked', () => {
    const open = asked();
    open.ask('1', 'bob@example.com/x');
    const answer = (from: string) =>
      incoming(`<iq id='1' type='result' from='${from}'><q xmlns='u' id='2'>&gt;</q></iq>`, open);
    expect(answer('mallory@example.com')).toBeNull();
    expect(answer('bob@example.com/x')).toBe('iqd');
    expect(answer('bob@example.com/x')).toBeNull();
  });
  it('an answer is known by its own attributes, however it is written', () => {
    const open = asked();
    open.ask('1', undefined);
    expect(incoming(`<iq\n xml:lang=">" type="result"\tid='&#49;'><x xmlns='u'/></iq>`, open)).toBe('iqd');
  });
});

describe('from local programs', () => {
  it.each([
    ['<message/>', null],
    ['<presence/>', null],
    ["<iq type='get' id='a.B-1_'/>", null],
    ["<iq type='result' id='sj:anything'/>", null],
    ["<iq type='error' id='../x'><error/></iq>", null],
    ["<iq type='get'/>", 'an iq without an id'],
    ["<iq type='result'/>", 'an iq without an id'],
    ["<iq type='get' id=''/>", 'an iq without an id'],
    ["<iq id='1'/>", 'an iq of type nothing'],
    ["<iq type='gets' id='1'/>", 'an iq of type gets'],
    ["<iq type='get' id='../x'/>", 'an iq with an id that no file can have: ../x'],
    ["<iq type='get' id='.x'/>", 'an iq with an id that no file can have: .x'],
    ["<iq type='set' id='in'/>", 'an iq with an id that no file can have: in'],
    ["<iq type='set' id='sj:ping'/>", 'an iq with an id that no file can have: sj:ping'],
    ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", '<auth> is no stanza'],
    ["<message xmlns='jabber:server'/>", '<message> is no stanza'],
    ["<r xmlns='urn:xmpp:sm:3'/>", '<r> is no stanza'],
    ['<error/>', '<error> is no stanza'],
  ])('%s: %s', (text, why) => expect(outgoing(text)).toBe(why));

  it('a complaint is short, whatever it is about', () => {
    const long = 'x'.repeat(100_000);
    for (const text of [`<iq type='get' id='${long}'/>`, `<iq type='${long}' id='1'/>`, `<${long}/>`])
      expect(outgoing(text)!.length).toBeLessThan(150);
  });
  it('requests are noted down, and nothing else is', () => {
    const open = asked();
    for (const text of [
      "<iq type='get' id='1' to='bob@example.com'><q xmlns='u'/></iq>",
      "<iq type='set' id='2'/>",
      "<iq type='result' id='3'/>",
      "<iq type='get' id='.4'/>",
      "<iq type='what' id='5'/>",
      "<message id='6'/>",
    ])
      outgoing(text, open);
    expect(open.size).toBe(2);
    expect(open.answers('1', 'bob@example.com')).toBe(true);
    expect(open.answers('2', undefined)).toBe(true);
  });
});

it('treeOf knows the prefixes of the stream', () => {
  expect(withPiece('stream', '<s:x><s:y/></s:x>', (piece) => canonical(treeOf(piece)))).toBe(
    "<x xmlns='urn:s'><y/></x>",
  );
});

it('asks nobody whose address is longer than any', () => {
  const ask = (to: string) => outgoing(`<iq type='get' id='a' to='${to}'/>`);
  expect(ask(`b@x/${'r'.repeat(1000)}`)).toBeNull();
  expect(ask('b'.repeat(3072))).toBe('an iq to what is no JID');
});
