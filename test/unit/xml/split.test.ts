import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { XmlFault } from '../../../lib/xml/chars.ts';
import { LIMITS } from '../../../lib/xml/split.ts';
import { runs } from '../../runs.ts';
import { cut, cuts, soup, stanza } from './arbitrary.ts';
import { documents, element } from './documents.ts';
import { judge, type Plain } from './judge.ts';
import { HEADER, heardBy, type Watched, watch } from './splitting.ts';

const STREAM_NS = 'http://etherx.jabber.org/streams';

/** A stream of the server that has been opened. */
function opened(hooks: Parameters<typeof watch>[1] = {}): Watched {
  const stream = watch('stream', hooks);
  stream.push(HEADER);
  expect(stream.headers).toHaveLength(1);
  return stream;
}

/** What saxes makes of the text of a whole stream; null: it is not well-formed. */
function judgeStream(content: string): (Plain | string)[] | null {
  return judge(`<w xmlns='jabber:client' xmlns:s='urn:s'>${content}</w>`)?.children ?? null;
}

const faultOf = (content: string | Buffer, where: 'each' | number[] = []) => {
  const stream = opened();
  stream.push(cut(Buffer.from(content as Buffer), where));
  return stream.faults;
};

describe('chunks', () => {
  it('finds the stanzas that saxes finds, wherever the bytes are cut', () => {
    const between = fc.constantFrom('', '', '\n', ' \r\n\t');
    fc.assert(
      fc.property(fc.array(fc.tuple(between, stanza), { maxLength: 4 }), cuts, (list, where) => {
        const content = list.map(([gap, text]) => gap + text).join('');
        const expected = judgeStream(content)?.filter((child) => typeof child !== 'string');
        const stream = watch('stream');
        stream.push(cut(Buffer.from(`${HEADER}${content}</stream:stream>`), where));
        expect(stream).toMatchObject({ stanzas: expected, faults: [], closed: 1 });
        expect(stream.headers).toHaveLength(1);
        expect(stream.splitter.pending).toBe(0);
      }),
      { numRuns: runs(2000) },
    );
  });

  it('hands on texts of one line that mean the same', () => {
    fc.assert(
      fc.property(stanza, (text) => {
        const stream = opened();
        stream.push(text);
        const [line] = stream.texts;
        expect(line).not.toMatch(/[\r\n]/);
        expect(judge(`<w xmlns='jabber:client'>${line}</w>`)?.children).toEqual(stream.stanzas);
      }),
      { numRuns: runs(2000) },
    );
  });

  it('judges soups as saxes does, and the same for all chunks', () => {
    fc.assert(
      fc.property(soup, cuts, (parts, where) => {
        const content = parts.join('');
        const whole = opened();
        whole.push(content);
        const pieces = opened();
        pieces.push(cut(Buffer.from(content), where));
        expect(pieces.stanzas.slice(0, whole.stanzas.length)).toEqual(whole.stanzas);
        // A fault within a stanza shows late when it comes in pieces, but what it is does not change.
        if (pieces.faults.length > 0) expect(pieces.faults).toEqual(whole.faults);
        // What is white space only by reference or as CDATA is text.
        const children = judgeStream(content.replaceAll('&#10;', '&#88;').replaceAll('<![CDATA[', '<![CDATA[X'));
        const good = children?.every((child) => typeof child !== 'string' || /^[ \t\r\n]*$/.test(child)) ?? false;
        for (const stream of [whole, pieces]) {
          expect(stream.faults.length === 0 && stream.splitter.pending === 0 && stream.closed === 0).toBe(good);
        }
        if (good) expect(pieces.stanzas).toEqual(judgeStream(content)!.filter((child) => typeof child !== 'string'));
      }),
      { numRuns: runs(5000) },
    );
  });

  it('says how many bytes have come after a stanza', () => {
    const behind: number[] = [];
    const stream = opened({ stanza: (_, n) => behind.push(n) });
    stream.push('<a/><b/>\n', '<c', '/>', '<d/> ');
    expect(behind).toEqual([5, 1, 0, 1]);
  });

  it('reads every document of the W3C suite as a stanza, in chunks', () => {
    let good = 0;
    for (const { name, bytes } of documents) {
      const text = element(bytes);
      const expected = text.string === null ? null : judge(text.string);
      for (const where of [[], 'each', [text.bytes.length >> 1, 1, 7]] as const) {
        const stream = watch('stream');
        stream.push(`<stream:stream xmlns:stream='${STREAM_NS}'>`);
        stream.push(cut(text.bytes, where as 'each' | number[]));
        const { stanzas, faults, splitter } = stream;
        const whole = stanzas.length === 1 && faults.length === 0 && splitter.pending === 0;
        expect({ name, tree: whole ? stanzas[0] : null }).toEqual({ name, tree: expected });
      }
      if (expected !== null) good++;
    }
    expect(good).toBeGreaterThan(20);
  });
});

const utf8 = (...bytes: number[]) => Buffer.concat([Buffer.from('<a>'), Buffer.from(bytes), Buffer.from('</a>')]);
const inValue = (...bytes: number[]) => Buffer.concat([Buffer.from("<a b='"), Buffer.from(bytes), Buffer.from("'/>")]);

describe('what ends a stream (RFC 6120 section 4.9.3)', () => {
  const table: [string, string | Buffer, XmlFault][] = [
    ['a comment', '<!-- x -->', 'restricted-xml'],
    ['a comment in a stanza', '<a><!-- x --></a>', 'restricted-xml'],
    ['a processing instruction', '<?x y?>', 'restricted-xml'],
    ['a processing instruction in a stanza', '<a><?x y?></a>', 'restricted-xml'],
    ['a second XML declaration', "<?xml version='1.0'?>", 'restricted-xml'],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]>', 'restricted-xml'],
    ['a document type in a stanza', '<a><!DOCTYPE a></a>', 'restricted-xml'],
    ['CDATA between stanzas', '<![CDATA[x]]>', 'restricted-xml'],
    ['an entity', '<a>&foo;</a>', 'restricted-xml'],
    ['an entity in a value', "<a b='&foo;'/>", 'restricted-xml'],
    ['an undeclared prefix', '<p:a/>', 'not-well-formed'],
    ['an undeclared prefix of an attribute', "<a p:b='1'/>", 'not-well-formed'],
    ["a sibling's prefix", "<a><b xmlns:p='u'/><p:c/></a>", 'not-well-formed'],
    ["an earlier stanza's prefix", "<e xmlns:p='u'/><p:c/>", 'not-well-formed'],
    ['an attribute twice', "<a b='1' b='1'/>", 'not-well-formed'],
    ['an attribute twice by its name', "<a xmlns:p='urn:s' s:b='1' p:b='2'/>", 'not-well-formed'],
    ['a character reference to nothing', '<a>&#0;</a>', 'not-well-formed'],
    ['a reference to a surrogate', '<a>&#xD83D;&#xDE00;</a>', 'not-well-formed'],
    ['a bare ampersand', '<a>a & b</a>', 'not-well-formed'],
    ['a control character', '<a>\u001b</a>', 'not-well-formed'],
    ['U+FFFF', '<a>\uffff</a>', 'not-well-formed'],
    ['U+FFFE in CDATA', '<a><![CDATA[\ufffe]]></a>', 'not-well-formed'],
    ['U+FFFE in a value', "<a b='\ufffe'/>", 'not-well-formed'],
    ['a NUL', '<a>\u0000</a>', 'not-well-formed'],
    ['a NUL between stanzas', '\u0000', 'not-well-formed'],
    ['text', 'x', 'not-well-formed'],
    ['text behind a stanza', '<a/>x', 'not-well-formed'],
    ['a no-break space', '\u00a0', 'not-well-formed'],
    ['a byte order mark', '\ufeff', 'not-well-formed'],
    ['a wrong end tag', '<a></b>', 'not-well-formed'],
    ['a wrong end tag further in', '<a><b></a></b>', 'not-well-formed'],
    ['an end tag too many', '<a/></a>', 'not-well-formed'],
    ["the stream's end tag in a stanza", '<a></stream:stream>', 'not-well-formed'],
    ['another prefix at the end', '</s:stream>', 'not-well-formed'],
    ['an end tag that is too short', '</stream>', 'not-well-formed'],
    ['an end tag that is too long', '</stream:streams>', 'not-well-formed'],
    ['an end tag with an attribute', "</stream:stream a='b'>", 'not-well-formed'],
    ['a second header', HEADER.replace(/^<\?.*\?>/, ''), 'unsupported-stanza-type'],
    ['a second header, empty', '<stream:stream/>', 'unsupported-stanza-type'],
    ['an overlong slash', utf8(0xc0, 0xaf), 'unsupported-encoding'],
    ['an overlong NUL', utf8(0xc0, 0x80), 'unsupported-encoding'],
    ['an overlong form of three bytes', utf8(0xe0, 0x9f, 0xbf), 'unsupported-encoding'],
    ['an overlong form of four bytes', utf8(0xf0, 0x8f, 0xbf, 0xbf), 'unsupported-encoding'],
    ['the first surrogate', utf8(0xed, 0xa0, 0x80), 'unsupported-encoding'],
    ['a pair of surrogates', utf8(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80), 'unsupported-encoding'],
    ['a sequence of two that is cut', utf8(0xc3), 'unsupported-encoding'],
    ['a sequence of three that is cut', utf8(0xe2, 0x82), 'unsupported-encoding'],
    ['a sequence of four that is cut', utf8(0xf0, 0x9f, 0x98), 'unsupported-encoding'],
    ['U+110000', utf8(0xf4, 0x90, 0x80, 0x80), 'unsupported-encoding'],
    ['a byte that never is', utf8(0xff), 'unsupported-encoding'],
    ['a sequence of five', utf8(0xf8, 0x88, 0x80, 0x80, 0x80), 'unsupported-encoding'],
    ['a stray continuation', utf8(0x80), 'unsupported-encoding'],
    ['Latin-1', utf8(0xe9), 'unsupported-encoding'],
    ['Latin-1 in a value', inValue(0xe9), 'unsupported-encoding'],
    ['Latin-1 in a name', Buffer.from('<\xe9/>', 'latin1'), 'unsupported-encoding'],
    ['Latin-1 in CDATA', Buffer.from('<a><![CDATA[\xe9]]></a>', 'latin1'), 'unsupported-encoding'],
    ['a surrogate in a value', inValue(0xed, 0xbf, 0xbf), 'unsupported-encoding'],
    ['too deep', '<a>'.repeat(LIMITS.depth + 1) + '</a>'.repeat(LIMITS.depth + 1), 'policy-violation'],
    ['too many attributes', `<a${Array.from({ length: 65 }, (_, i) => ` a${i}=''`).join('')}/>`, 'policy-violation'],
  ];
  it.each(table)('%s', (_, content, expected) => {
    expect(faultOf(content)).toEqual([expected]);
    expect(faultOf(content, 'each')).toEqual([expected]);
    const stream = opened();
    stream.push(Buffer.concat([Buffer.from('<a>good</a>'), Buffer.from(content as Buffer), Buffer.from('<b/>')]));
    expect(stream).toMatchObject({ faults: [expected], closed: 0 });
    expect(stream.stanzas[0]).toMatchObject({ name: '{jabber:client}a' });
    expect(stream.stanzas.map((s) => s.name)).not.toContain('{jabber:client}b');
    stream.push('<c/>', '</stream:stream>');
    expect(stream).toMatchObject({ faults: [expected], closed: 0 });
  });

  it('takes the last of Unicode, and the characters around the surrogates', () => {
    for (const good of [utf8(0xf4, 0x8f, 0xbf, 0xbf), utf8(0xed, 0x9f, 0xbf), utf8(0xee, 0x80, 0x80), utf8(0xc2, 0x80)])
      expect(faultOf(good, 'each')).toEqual([]);
  });
});

describe('the header (RFC 6120 section 4.7)', () => {
  const open = (text: string | Buffer, where: 'each' | number[] = []) => {
    const stream = watch('stream');
    stream.push(cut(Buffer.from(text as Buffer), where));
    return stream;
  };
  const ATTRS = `xmlns='jabber:client' xmlns:stream='${STREAM_NS}'`;

  it('is handed over as an empty element, in any chunks', () => {
    for (const where of [[], 'each', [3, 30]] as const) {
      expect(open(HEADER, where as 'each').headers).toEqual([
        `<stream xmlns='${STREAM_NS}' from='example.org' id='1' version='1.0' xml:lang='en'/>`,
      ]);
    }
  });
  it('may have any prefix or none, and the end tag has the same', () => {
    for (const [tag, attrs] of [
      ['x:stream', `xmlns:x='${STREAM_NS}'`],
      ['stream', `xmlns='${STREAM_NS}'`],
      ['é:stream', `xmlns:é='${STREAM_NS}'`],
    ]) {
      const stream = open(`<${tag} ${attrs} \n></${tag}\r\n >`, 'each');
      expect(stream).toMatchObject({ headers: [`<stream xmlns='${STREAM_NS}'/>`], closed: 1, faults: [] });
      expect(open(`<${tag} ${attrs}></stream:strea>`).faults).toEqual(['not-well-formed']);
    }
  });
  it('may have > and quotes in values', () => {
    const stream = open(`<stream:stream id='">' to=">'" ${ATTRS}><a/>`, 'each');
    expect(stream.headers).toEqual([`<stream xmlns='${STREAM_NS}' id='&quot;&gt;' to='&gt;&apos;'/>`]);
    expect(stream.texts).toEqual(['<a/>']);
  });
  it('declares prefixes for all stanzas', () => {
    const stream = open(`<stream:stream ${ATTRS} xmlns:q='urn:&quot;q' xmlns:\n a='x'><q:a/>`.replace(':\n a', ':a'));
    stream.push("<q:b q:c='1'/>");
    expect(stream.stanzas).toEqual([
      { name: '{urn:"q}a', attrs: {}, children: [] },
      { name: '{urn:"q}b', attrs: { '{urn:"q}c': '1' }, children: [] },
    ]);
    expect(stream.texts).toEqual([
      "<a xmlns='urn:&quot;q'/>",
      "<b xmlns='urn:&quot;q' q:c='1' xmlns:q='urn:&quot;q'/>",
    ]);
  });
  it('has a scope that no odd name or value confuses', () => {
    const stream = open(
      `<stream:stream a\ufeffb='1' c="xmlns='urn:evil'" xmlns:d\ufeff='urn:d' xmlns:w='a\tb' ${ATTRS}>`,
    );
    stream.push('<d\ufeff:x/>', '<w:x/>', '<y/>');
    expect(stream.stanzas.map((s) => s.name)).toEqual(['{urn:d}x', '{a b}x', '{jabber:client}y']);
  });
  it.each<[string, string | Buffer, XmlFault]>([
    ['an empty stream', `<stream:stream ${ATTRS}/>`, 'not-well-formed'],
    ['no element', 'HTTP/1.1 400 Bad Request\r\n', 'not-well-formed'],
    ['a byte order mark', `\ufeff${HEADER}`, 'not-well-formed'],
    ['an undeclared prefix', "<stream:stream version='1.0'>", 'not-well-formed'],
    ['an attribute twice', `<stream:stream id='1' id='2' ${ATTRS}>`, 'not-well-formed'],
    ['a < in a value', `<stream:stream id='<' ${ATTRS}>`, 'not-well-formed'],
    ['an end tag', '</stream:stream>', 'not-well-formed'],
    ['bytes that are not UTF-8', Buffer.from(`<stream:stream id='\xe9' ${ATTRS}>`, 'latin1'), 'unsupported-encoding'],
    ['an entity', `<stream:stream id='&x;' ${ATTRS}>`, 'restricted-xml'],
    ['a document type', '<!DOCTYPE stream>', 'restricted-xml'],
    ['a comment', '<!-- x -->', 'restricted-xml'],
    ['another instruction', '<?xml-stylesheet href="x"?>', 'not-well-formed'],
    ['a declaration twice', `<?xml version='1.0'?>${HEADER}`, 'restricted-xml'],
    ['a late declaration', ` ${HEADER}`, 'restricted-xml'],
    ['a declaration without version', "<?xml encoding='UTF-8'?>", 'not-well-formed'],
    ['XML 2.0', "<?xml version='2.0'?>", 'not-well-formed'],
    ['another encoding', "<?xml version='1.0' encoding='ISO-8859-1'?>", 'unsupported-encoding'],
  ])('refuses %s', (_, text, expected) => {
    for (const where of [[], 'each'] as const) {
      const stream = open(text, where as 'each');
      expect(stream).toMatchObject({ headers: [], faults: [expected] });
    }
  });
  it.each([
    "<?xml version='1.0'?>",
    '<?xml version="1.0" encoding="utf-8"?>',
    "<?xml version='1.1' encoding='UTF-8' standalone='yes' ?>\n",
    '',
    '\n',
  ])('takes %j before it', (declaration) => {
    const stream = open(`${declaration}<stream:stream ${ATTRS}>`, 'each');
    expect(stream).toMatchObject({ headers: [`<stream xmlns='${STREAM_NS}'/>`], faults: [] });
  });

  describe('its limit', () => {
    const header = (size: number) => {
      const rest = `<stream:stream id='' ${ATTRS}>`;
      return rest.replace("id=''", `id='${'>'.repeat(size - rest.length)}'`);
    };
    it.each([
      [10_000, []],
      [10_001, ['policy-violation']],
    ])('%d bytes', (size, faults) => {
      for (const where of [[], 'each', [5000]] as const) {
        const stream = open(header(size), where as 'each');
        expect(stream).toMatchObject({ faults });
        expect(stream.headers).toHaveLength(1 - faults.length);
      }
    });
    it.each([
      ['a tag', '<stream:stream a="'],
      ['a declaration', '<?xml '],
    ])('%s that does not end', (_, start) => {
      const stream = open(start + ' '.repeat(20_000), 'each');
      expect(stream.faults).toEqual(['policy-violation']);
      expect(stream.splitter.pending).toBe(0);
    });
    it('holds for the end of the stream, too', () => {
      const good = opened();
      good.push(`</stream:stream${' '.repeat(9000)}>`);
      expect(good).toMatchObject({ faults: [], closed: 1 });
      expect(faultOf(`</stream:stream${' '.repeat(10_000)}`, 'each')).toEqual(['policy-violation']);
    });
  });
});

describe('limits', () => {
  const small = { bytes: 100, iqBytes: 200, depth: 3, attributes: 8 };
  const sized = (name: string, size: number) => `<${name}>${'x'.repeat(size - 2 * name.length - 5)}</${name}>`;
  const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);
  const many = (count: number) => `<a${Array.from({ length: count }, (_, i) => ` a${i}=''`).join('')}/>`;

  it.each([
    ['a message of as many bytes as it may have', sized('message', 100), true],
    ['a message of one more', sized('message', 101), false],
    ['an iq of as many bytes as it may have', sized('iq', 200), true],
    ['an iq of one more', sized('iq', 201), false],
    ['as deep as may be', nested(3), true],
    ['one deeper', nested(4), false],
    ['one deeper, empty', '<a><a><a><a/></a></a></a>', false],
    ['as many attributes as may be', many(8), true],
    ['one more', many(9), false],
    ['one more, counting declarations', many(7).replace('/>', " xmlns='u' xmlns:p='v'/>"), false],
  ])('%s', (_, text, good) => {
    for (const where of [[], 'each', [1, 50]] as const) {
      const stream = opened({ limits: small });
      stream.push(cut(Buffer.from(text), where as 'each'), '<b/>');
      expect(stream.faults).toEqual(good ? [] : ['policy-violation']);
      expect(stream.stanzas).toHaveLength(good ? 2 : 0);
    }
  });
  it('are counted for each stanza anew, and not for what is between them', () => {
    const stream = opened({ limits: small });
    for (let i = 0; i < 50; i++) stream.push(sized('message', 100).repeat(3), ' '.repeat(500));
    expect(stream).toMatchObject({ faults: [] });
    expect(stream.stanzas).toHaveLength(150);
  });
  it('name the first fault, not the size, if both are there', () => {
    expect(
      (() => {
        const stream = opened({ limits: small });
        stream.push(cut(Buffer.from(`<a>&x;${'y'.repeat(200)}`), 'each'));
        return stream.faults;
      })(),
    ).toEqual(['restricted-xml']);
  });
  it.each([
    ['message', LIMITS.bytes],
    ['iq', LIMITS.iqBytes],
  ])('of a whole %s, as they are used: %d', (name, size) => {
    for (const [more, faults] of [
      [0, []],
      [1, ['policy-violation']],
    ] as const) {
      const stream = opened({ build: false });
      const text = Buffer.from(sized(name, size + more));
      for (let i = 0; i < text.length; i += 65_000) stream.push(text.subarray(i, i + 65_000));
      expect(stream.faults).toEqual(faults);
      expect(stream.texts).toHaveLength(1 - faults.length);
    }
  });
  it('bound what is kept', () => {
    const stream = opened({ build: false });
    const chunk = Buffer.alloc(1000, 'x');
    stream.push('<message><body>');
    let most = 0;
    for (let i = 0; i < 4000; i++) {
      stream.push(chunk);
      most = Math.max(most, stream.splitter.pending);
    }
    expect(stream.faults).toEqual(['policy-violation']);
    expect(most).toBeGreaterThan(LIMITS.bytes - 1000);
    expect(most).toBeLessThanOrEqual(LIMITS.bytes);
    expect(stream.splitter.pending).toBe(0);
  });
});

describe('a stream that changes', () => {
  it('begins anew in the middle of a chunk', () => {
    const stream = opened({
      stanza({ splitter, stanzas }) {
        if (stanzas.at(-1)!.name.endsWith('success')) splitter.restart();
      },
    });
    const second = `<?xml version='1.0'?><x:stream xmlns='jabber:client' xmlns:x='${STREAM_NS}' version='1.0'>`;
    for (const where of [[], 'each'] as const) {
      stream.push(cut(Buffer.from(`<success/>${HEADER}<a/><success/>${second}<b/>`), where as 'each'));
      stream.push(`<success/>${HEADER}`);
    }
    expect(stream.faults).toEqual([]);
    expect(stream.headers).toHaveLength(7);
    expect(stream.stanzas.map((s) => s.name.slice(15))).toEqual([
      'success',
      'a',
      'success',
      'b',
      'success',
      'success',
      'a',
      'success',
      'b',
      'success',
    ]);
  });
  it('forgets the prefixes of the stream before', () => {
    const stream = opened({ stanza: ({ splitter }) => splitter.restart() });
    stream.push(`<s:a/><stream:stream xmlns:stream='${STREAM_NS}'>`);
    expect(stream.faults).toEqual([]);
    stream.push('<s:b/>');
    expect(stream.faults).toEqual(['not-well-formed']);
  });
  it('may have white space between the old one and a declaration, however the bytes are cut', () => {
    for (const where of [[], 'each'] as const) {
      const stream = opened({ stanza: ({ splitter }) => splitter.restart() });
      stream.push(cut(Buffer.from(`<success/> \r\n\t${HEADER}\n<a/>`), where as 'each'));
      expect(stream.faults).toEqual([]);
      expect(stream.headers).toHaveLength(2);
    }
  });
  it('stops within a chunk', () => {
    const stream = opened({ stanza: ({ splitter }) => splitter.stop() });
    stream.push('<a/><b/>&');
    stream.push('<c/></stream:stream>');
    expect(heardBy(stream)).toMatchObject({ texts: ['<a/>'], faults: [], closed: 0 });
    expect(stream.splitter.pending).toBe(0);
  });
  it('is over after its end tag', () => {
    const stream = opened();
    stream.push('<a/></stream:stream><b/>&', '<c/>');
    expect(heardBy(stream)).toMatchObject({ texts: ['<a/>'], faults: [], closed: 1 });
  });
  it('says that something is unfinished at its end, and can be used again', () => {
    const stream = opened();
    stream.push('<a><b>');
    stream.splitter.eof();
    expect(stream.faults).toEqual(['not-well-formed']);
    expect(stream.splitter.pending).toBe(0);
  });
});
