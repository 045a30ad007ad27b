import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XmlError } from '../../../lib/xml/chars.ts';
import { CLIENT_SCOPE, found, read } from '../../../lib/xml/read.ts';
import { LIMITS } from '../../../lib/xml/split.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { canonical } from '../../../lib/xml/write.ts';
import { runs } from '../../runs.ts';
import { soup, tree, write } from './arbitrary.ts';
import { judge, plain } from './judge.ts';

/** The one element within a stream, or null if it is not one. */
function client(xml: string) {
  const children = judge(`<w xmlns='jabber:client'>${xml}</w>`)?.children ?? [];
  return children.length === 1 ? children[0]! : null;
}

function ours(xml: string | Buffer) {
  try {
    return plain(parseElement(xml));
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
}

const fault = (xml: string | Buffer) => {
  try {
    parseElement(xml);
    return null;
  } catch (error) {
    if (error instanceof XmlError) return error.fault;
    throw error;
  }
};

describe('what XMPP forbids (RFC 6120 sections 11.1 and 4.9.3)', () => {
  it.each([
    ['<a><!-- x --></a>', 'restricted-xml'],
    ['<a><?x y?></a>', 'restricted-xml'],
    ['<!DOCTYPE a><a/>', 'restricted-xml'],
    ['<a><!DOCTYPE a></a>', 'restricted-xml'],
    ['<a>&foo;</a>', 'restricted-xml'],
    ["<a b='&foo;'/>", 'restricted-xml'],
    ['<a>&constructor;</a>', 'restricted-xml'],
    ['<a>&#0;</a>', 'not-well-formed'],
    ['<a>&#xD800;</a>', 'not-well-formed'],
    ['<a>&#xFFFE;</a>', 'not-well-formed'],
    ['<a>&#99999999999999999999;</a>', 'not-well-formed'],
    ['<a>&#;</a>', 'not-well-formed'],
    ['<a>& b</a>', 'not-well-formed'],
    ['<a>]]></a>', 'not-well-formed'],
    ['<a>\u0001</a>', 'not-well-formed'],
    ['<a>\ufffe</a>', 'not-well-formed'],
    ["<a b='\u0000'/>", 'not-well-formed'],
    ["<a b='<'/>", 'not-well-formed'],
    ["<a b='1' b='2'/>", 'not-well-formed'],
    ["<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", 'not-well-formed'],
    ["<a b='1'c='2'/>", 'not-well-formed'],
    ['<a b/>', 'not-well-formed'],
    ['<a b=1/>', 'not-well-formed'],
    ['<a / b="1">', 'not-well-formed'],
    ['<p:a/>', 'not-well-formed'],
    ["<a p:b='1'/>", 'not-well-formed'],
    ['<a:b:c xmlns:a="u"/>', 'not-well-formed'],
    ["<a xmlns:p=''/>", 'not-well-formed'],
    ["<a xmlns:xmlns='u'/>", 'not-well-formed'],
    ["<a xmlns:xml='u'/>", 'not-well-formed'],
    ["<a xmlns='http://www.w3.org/XML/1998/namespace'/>", 'not-well-formed'],
    ["<a xmlns='http://www.w3.org/2000/xmlns/'/>", 'not-well-formed'],
    ['<1a/>', 'not-well-formed'],
    ['<a></b>', 'not-well-formed'],
    ['<a></ab>', 'not-well-formed'],
    ['<ab></a>', 'not-well-formed'],
    ['<a><b></a></b>', 'not-well-formed'],
    ['<a/><b/>', 'not-well-formed'],
    ['<a/>x', 'not-well-formed'],
    ['<a>', 'not-well-formed'],
    ['', 'not-well-formed'],
    ['<×/>', 'not-well-formed'],
    [Buffer.from([0x3c, 0x61, 0x3e, 0xc0, 0xaf, 0x3c, 0x2f, 0x61, 0x3e]), 'unsupported-encoding'],
    [Buffer.from([0x3c, 0x61, 0x3e, 0xed, 0xa0, 0x80, 0x3c, 0x2f, 0x61, 0x3e]), 'unsupported-encoding'],
    [Buffer.from([0x3c, 0x61, 0x3e, 0xf0, 0x9f, 0x3c, 0x2f, 0x61, 0x3e]), 'unsupported-encoding'],
    [Buffer.from([0x3c, 0x61, 0x3e, 0xf5, 0x80, 0x80, 0x80, 0x3c, 0x2f, 0x61, 0x3e]), 'unsupported-encoding'],
    ['<a>'.repeat(1001) + '</a>'.repeat(1001), 'policy-violation'],
    [`<a ${Array.from({ length: 2002 }, (_, i) => `a${i}=''`).join(' ')}/>`, 'policy-violation'],
  ])('%s is %s', (xml, expected) => expect(fault(xml)).toBe(expected));
});

describe('what XML allows', () => {
  it('takes text after CDATA, references and line ends as XML does', () => {
    const body = parseElement(
      '<m><b>a<![CDATA[<x>&amp;]]]>]]&gt;b&#10;c\r\nd\re&#13;</b></m>'.replace(']]]>', ']]]]>'),
    ).getChildText('b');
    expect(body).toBe('a<x>&amp;]]]]>b\nc\nd\ne\r');
  });
  it('makes white space in a value a space, and keeps a referenced one', () => {
    expect(parseElement("<a b='x\r\ny\tz&#10;&#9;'/>").attrs.b).toBe('x y z\n\t');
  });
  it('has no names that mean something to JavaScript', () => {
    const element = parseElement("<a __proto__='x' constructor='y'/>");
    expect(Object.keys(element.attrs)).toEqual(['__proto__', 'constructor']);
  });
  it('gives a prefix back its meaning behind the element that changed it', () => {
    const xml =
      "<a xmlns:p='1'><p:b xmlns:p='2'><p:c xmlns:p='3' p:x=''/><p:d/></p:b><p:e><f xmlns:p='4'/><p:g/></p:e><p:h p:y=''/></a>";
    expect(ours(xml)).toEqual(client(xml));
    expect(canonical(parseElement(xml))).toBe(
      "<a><b xmlns='2'><c xmlns='3' p:x='' xmlns:p='3'/><d/></b><e xmlns='1'><f xmlns='jabber:client'/><g/></e><h xmlns='1' p:y='' xmlns:p='1'/></a>",
    );
    expect(fault("<a><b xmlns:p='u'/><p:c/></a>")).toBe('not-well-formed');
    expect(fault("<a><b xmlns:p='u'><p:c/></b><d p:e=''/></a>")).toBe('not-well-formed');
  });
  it('puts each element into its namespace without prefixes', () => {
    const xml = "<c:iq xmlns:c='jabber:client' xmlns='urn:a'><q/><c:b x:y='1' xmlns:x='urn:x'/><e xmlns=''/></c:iq>";
    expect(canonical(parseElement(xml))).toBe("<iq><q xmlns='urn:a'/><b x:y='1' xmlns:x='urn:x'/><e xmlns=''/></iq>");
  });
  it('leaves an element the prefix xml, whose namespace no element can have without', () => {
    const xml = "<a><xml:b xml:lang='x'><xml:c/><d/></xml:b></a>";
    expect(ours(xml)).toEqual(client(xml));
    const text = canonical(parseElement(xml));
    expect(text).toBe("<a><xml:b xml:lang='x'><xml:c/><d xmlns='jabber:client'/></xml:b></a>");
    expect(client(text)).toEqual(client(xml));
  });
});

describe('against saxes', () => {
  it('agrees on soups of XML', () => {
    fc.assert(
      fc.property(soup, (parts) => {
        const xml = `<a>${parts.join('')}</a>`;
        expect(ours(xml)).toEqual(client(xml));
      }),
      { numRuns: runs(20_000) },
    );
  });
  it('agrees on whole documents, and on the same with a few bytes changed', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(tree(4), fc.array(change, { maxLength: 2 }), (node, changes) => {
        const bytes = Buffer.from(write(node));
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        let text: string | null = null;
        try {
          text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
        } catch {}
        expect(ours(bytes)).toEqual(text === null || !text.startsWith('<') ? null : client(text));
      }),
      { numRuns: runs(5_000) },
    );
  });
  it('writes what reads back the same, on one line, and canonical', () => {
    fc.assert(
      fc.property(tree(4), (node) => {
        const element = parseElement(write(node));
        const text = canonical(element);
        expect(text).not.toMatch(/[\n\r]/);
        expect(plain(parseElement(text))).toEqual(plain(element));
        expect(client(text)).toEqual(plain(element));
        const bytes = Buffer.from(text);
        expect(
          read(bytes, 0, bytes.length, {
            scope: { defaultNs: 'jabber:client', prefixes: new Map() },
            build: false,
            cut: false,
            ...LIMITS,
          }),
        ).toBe(bytes.length);
        expect(found.canonical).toBe(true);
      }),
      { numRuns: runs(3_000) },
    );
  });
});

it('leaves out of the tree what nobody wants, but reads it as strictly', () => {
  const wants = (ns: string) => ns !== 'urn:no';
  const tree = (text: string) => {
    const bytes = Buffer.from(text);
    const how = { scope: CLIENT_SCOPE, depth: 8, attributes: 8, build: true, cut: false, wants };
    expect(read(bytes, 0, bytes.length, how)).toBe(bytes.length);
    return found.tree!.toString();
  };
  const no = "<n xmlns='urn:no'>t<body>x</body><![CDATA[y]]><q xmlns='urn:yes'/></n>";
  const rest = "<body>a</body><y xmlns='urn:yes'><n xmlns='urn:no'>b</n></y>";
  expect(tree(`<message>${no}${rest}<p:n xmlns:p='urn:no'/>${no}</message>`)).toBe(
    `<message>${rest.replaceAll("'", '"')}</message>`,
  );
  expect(tree(`<message xmlns='urn:no'>a<n/>b</message>`)).toBe('<message xmlns="urn:no">ab</message>');
  expect(() => tree("<message><n xmlns='urn:no'><a></b></n></message>")).toThrow(XmlError);
});
