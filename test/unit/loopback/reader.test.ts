import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReader, StreamError } from '../../../loopback/reader.ts';
import { write } from '../../../loopback/xml.ts';

const HEAD =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='x'>";

/** What a reader makes of chunks: the stanzas as text, then how it ended. */
function read(chunks: readonly Uint8Array[], limit = 1000): string[] {
  const seen: string[] = [];
  const reader = createReader(limit, {
    open: (header) => seen.push(`open ${header.name} ${header.attrs.to}`),
    stanza(e) {
      seen.push(write(e));
      if (e.name === 'stop') reader.stop();
    },
    close: () => seen.push('close'),
  });
  try {
    for (const chunk of chunks) {
      const rest = reader.write(chunk);
      if (rest !== '') seen.push(`rest ${rest}`);
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    seen.push(error.condition);
  }
  return seen;
}

const whole = (xml: string, limit?: number) => read([Buffer.from(xml)], limit);

test('stanzas come out the same however the bytes are cut', () => {
  const xml = `${HEAD}<message to='a&amp;b'><body>h\u00e9 \u{1f600}<![CDATA[<x>]]>\r\n&#10;</body><x:y xmlns:x='urn:x' x:z='1'/></message> \n<presence/></stream:stream>`;
  const wanted = whole(xml);
  expect(wanted).toEqual([
    'open stream x',
    "<message to='a&amp;b'><body>h\u00e9 \u{1f600}&lt;x&gt;\n\n</body><y xmlns='urn:x' xmlns:x='urn:x' x:z='1'/></message>",
    '<presence/>',
    'close',
  ]);
  const bytes = Buffer.from(xml);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      expect(read(chunks)).toEqual(wanted);
    }),
  );
});

describe('what is no XMPP ends the stream', () => {
  test.each([
    ['<!-- x -->', 'restricted-xml'],
    ['<?x y?>', 'restricted-xml'],
    ['<message>&nbsp;</message>', 'restricted-xml'],
    ['<message></presence>', 'not-well-formed'],
    ['<a:message/>', 'not-well-formed'],
    ["<message a='1' a='2'/>", 'not-well-formed'],
    ['text', 'bad-format'],
    ['<a>'.repeat(200), 'policy-violation'],
  ])('%s', (xml, condition) => {
    expect(whole(`${HEAD}${xml}<presence/>`).at(-1)).toBe(condition);
  });

  test('a DOCTYPE before the stream', () => {
    expect(whole(`<!DOCTYPE x [<!ENTITY a "b">]>${HEAD}`)).toEqual(['restricted-xml']);
  });

  test('bytes that are not UTF-8', () => {
    expect(read([Buffer.from(HEAD), Buffer.of(0x3c, 0x61, 0xff)])).toEqual(['open stream x', 'unsupported-encoding']);
  });
});

describe('the limit holds for one stanza, counted in bytes', () => {
  const body = (bytes: number) => `<message>${'\u00e9'.repeat((bytes - 19) / 2)}</message>`;

  test('many stanzas and white space may be more', () => {
    const seen = whole(HEAD + `${body(101)}${' '.repeat(90)}`.repeat(50), 200);
    expect(seen).toHaveLength(51);
  });

  test('one that is just too large is refused, however it comes', () => {
    expect(whole(HEAD + body(201), 201)).toHaveLength(2);
    expect(whole(HEAD + body(203), 201).at(-1)).toBe('policy-violation');
    const bytes = [...Buffer.from(HEAD + body(203))].map((byte) => Buffer.of(byte));
    expect(read(bytes, 201).at(-1)).toBe('policy-violation');
  });

  test('so is one that never ends', () => {
    const piece = Buffer.from('x'.repeat(50));
    expect(read([Buffer.from(`${HEAD}<message>`), piece, piece, piece, piece], 201).at(-1)).toBe('policy-violation');
  });
});

test('what follows the element at which the stream stops is handed back unread', () => {
  expect(whole(`${HEAD}<stop/><\u0000 no XML &`)).toEqual(['open stream x', '<stop/>', 'rest <\u0000 no XML &']);
});
