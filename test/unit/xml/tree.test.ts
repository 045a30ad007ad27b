import { describe, expect, it } from 'vitest';
import { XmlError } from '../../../lib/xml/chars.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { canonical } from '../../../lib/xml/write.ts';

const SCOPE = { defaultNs: 'urn:d', prefixes: new Map([['s', 'urn:s']]) };

describe('parseElement', () => {
  it('takes text with white space around it', () => {
    expect(canonical(parseElement(' \n<a><b/></a>\r\n'))).toBe('<a><b/></a>');
    expect(canonical(parseElement(Buffer.from('<a/>')))).toBe('<a/>');
  });
  it('knows the namespaces of where the element stands', () => {
    expect(canonical(parseElement('<a><s:b/></a>', SCOPE))).toBe("<a xmlns='urn:d'><b xmlns='urn:s'/></a>");
    expect(canonical(parseElement("<s:a xmlns:s='urn:t' s:b='1'/>", SCOPE))).toBe(
      "<a xmlns='urn:t' s:b='1' xmlns:s='urn:t'/>",
    );
    expect(parseElement("<a xmlns='jabber:client'/>", SCOPE).attrs.xmlns).toBeUndefined();
  });
  it('links children to their parents', () => {
    const a = parseElement('<a><b><c/></b></a>');
    const b = a.getChild('b')!;
    expect([a.parent, b.parent, b.getChild('c')?.parent]).toEqual([null, a, b]);
  });
  it('joins text that was written in several ways', () => {
    expect(parseElement('<a>x&amp;<![CDATA[<y>]]>z<![CDATA[]]></a>').children).toEqual(['x&<y>z']);
    expect(parseElement('<a><![CDATA[]]></a>').children).toEqual([]);
  });
  it.each(['', ' ', 'text', '<a/><b/>', '<a/>text', 'text<a/>', '<a>', '<', '</a>', '<!-- x --><a/>'])(
    'refuses %j',
    (text) => {
      expect(() => parseElement(text)).toThrow(XmlError);
    },
  );
});
