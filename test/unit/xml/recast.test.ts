import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLIENT_SCOPE } from '../../../lib/xml/read.ts';
import { eachGrandchild, parseElement, recast } from '../../../lib/xml/tree.ts';
import { canonical } from '../../../lib/xml/write.ts';
import { runs } from '../../runs.ts';
import { nested, soup, stanza } from './arbitrary.ts';

const scope = { defaultNs: 'jabber:client', prefixes: new Map([['s', 'urn:s']]) };
const MOST = 1_000_000;

describe('the text that is made without a tree', () => {
  it('is the canonical text of the tree', () => {
    fc.assert(
      fc.property(fc.oneof(stanza, nested), (text) => {
        const bytes = Buffer.from(text);
        expect(recast(bytes, scope, MOST)!.toString()).toBe(canonical(parseElement(bytes, scope)));
      }),
      { numRuns: runs(5000) },
    );
  });

  it('is so for soups that are one element', () => {
    fc.assert(
      fc.property(soup, (parts) => {
        const bytes = Buffer.from(`<w>${parts.join('')}</w>`);
        let expected: string;
        try {
          expected = canonical(parseElement(bytes, scope));
        } catch {
          return;
        }
        expect(recast(bytes, scope, MOST)!.toString()).toBe(expected);
      }),
      { numRuns: runs(5000) },
    );
  });

  it.each([
    ['white space in values', `<a b="x\r\ny\tz\rw&#13;&#10;&#9;"/>`],
    ['white space in text', '<a>x\r\ny\tz\rw&#13;&#10;&#9; </a>'],
    ['empty CDATA', '<a><![CDATA[]]></a>'],
    ['CDATA', '<a>x<![CDATA[<&>\r\n"]]]>y</a>'],
    ['quotes', `<a b="'>&quot;&apos;&lt;&gt;&amp;">'"></a>`],
    ['characters by number', '<a b="&#38;&#x3c;&#128512;&#xE9;">&#38;&#x3c;&#128512;&#xE9;&#13;</a>'],
    ['prefixes', '<s:a s:b="1" xml:lang="en"><b xmlns=""><s:c xmlns:p="urn:&quot;p" p:d="1" p:e="2"/></b></s:a>'],
    ['an element of the prefix xml', '<a><xml:b/><xml:c><d/></xml:c></a>'],
    ['names above ASCII', '<é à="ü"><é/></é>'],
  ])('is the canonical text of the tree: %s', (_, text) => {
    const bytes = Buffer.from(text);
    expect(recast(bytes, scope, MOST)!.toString()).toBe(canonical(parseElement(bytes, scope)));
  });

  it('is none where it would be too long', () => {
    const bytes = Buffer.from(`<a b="${"'".repeat(20_000)}">${'>'.repeat(20_000)}</a>`);
    const whole = canonical(parseElement(bytes));
    expect(recast(bytes, CLIENT_SCOPE, whole.length)!.toString()).toBe(whole);
    expect(recast(bytes, CLIENT_SCOPE, whole.length - 1)).toBeNull();
    const bomb = Buffer.from(`<a xmlns:p='${'n'.repeat(10_000)}'>${'<p:b/>'.repeat(10_000)}</a>`);
    expect(recast(bomb, CLIENT_SCOPE, MOST)).toBeNull();
  });

  it('takes time and memory linear in its size', () => {
    const bytes = Buffer.from(`<iq type="get" id="1"><q xmlns="urn:q">${'<a/>'.repeat(4_000_000)}</q></iq>`);
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    expect(recast(bytes, CLIENT_SCOPE, 2 * bytes.length)!.length).toBe(bytes.length);
    expect(performance.now() - start).toBeLessThan(10_000);
    // A tree would have some 600 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
  });
});

describe('the children of children', () => {
  it('are handed over one by one, whole', () => {
    const items: string[] = [];
    const bytes = Buffer.from("<iq><q xmlns='u'> <a b='1'><c/>x</a>\n<d/></q><r xmlns='v'><e/></r></iq>");
    eachGrandchild(bytes, CLIENT_SCOPE, (item, parent) => {
      expect(parent.children).toEqual([]);
      items.push(`${parent.getNS()} ${canonical(item)}`);
    });
    expect(items).toEqual(["u <a b='1'><c/>x</a>", 'u <d/>', 'v <e/>']);
  });
});

describe('a tree of a head', () => {
  const head = (text: string, elements: number) => canonical(parseElement(text, CLIENT_SCOPE, elements));
  it('leaves out what is beyond, and nothing else', () => {
    const text = '<m><a/><b><c/></b><a/>x</m>';
    expect(head(text, 3)).toBe('<m><a/><b/><a/>x</m>');
    expect(head(text, 5)).toBe(text);
    expect(head('<m><a/><a/><a/><a/></m>', 2)).toBe('<m><a/><a/></m>');
  });
  it('has the first child of each name even then, so that a body can not be hidden behind others', () => {
    for (let i = 0; i < 2; i++)
      expect(head(`<m>${'<a/>'.repeat(9)}<body>x<b/></body><body>y</body>${'<a/>'.repeat(9)}</m>`, 3)).toBe(
        '<m><a/><a/><a/><body>x</body></m>',
      );
    const many = Array.from({ length: 200 }, (_, i) => `<a${i}/>`).join('');
    expect(head(`<m>${many}</m>`, 1).match(/<a/g)).toHaveLength(64);
  });
});
