import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { XmlFault } from '../../../lib/xml/chars.ts';
import { XmlError } from '../../../lib/xml/chars.ts';
import { createSkip } from '../../../lib/xml/skip.ts';
import { createSplitter, type Skipped } from '../../../lib/xml/split.ts';
import { runs } from '../../runs.ts';
import { cut, cuts, stanza } from './arbitrary.ts';
import { HEADER } from './splitting.ts';

const LIMITS = { bytes: 1000, iqBytes: 2000, depth: 8, attributes: 8 };

/** What a stream takes that has been opened and may skip. */
function stream() {
  const heard = { stanzas: [] as string[], skipped: [] as Skipped[], faults: [] as XmlFault[], most: 0 };
  const splitter = createSplitter(
    'stream',
    {
      stanza: ({ buf, start, end }) => heard.stanzas.push(buf.toString('utf8', start, end)),
      skipped: (one) => heard.skipped.push(one),
      fault: ({ fault }) => heard.faults.push(fault),
    },
    { limits: LIMITS },
  );
  splitter.push(Buffer.from(HEADER));
  splitter.allow(LIMITS);
  return {
    ...heard,
    heard,
    push(content: string | Buffer, where: 'each' | number[] = []) {
      for (const chunk of cut(Buffer.from(content as Buffer), where)) {
        splitter.push(chunk);
        heard.most = Math.max(heard.most, splitter.pending);
      }
    },
  };
}

const message = (content: string, attrs = '') =>
  `<message from='bob@example.org/r' to='a@x' id='1' type='chat'${attrs}><body>hi</body>${content}</message>`;
const many = (n: number, make: (i: number) => string) => Array.from({ length: n }, (_, i) => make(i)).join('');

describe('a stanza that is beyond a limit, or not as namespaces have it', () => {
  const odd: [string, string, RegExp][] = [
    ['too deep', message(`${'<a>'.repeat(9)}${'</a>'.repeat(9)}`), /deeper than 8/],
    ['far too deep', message(`${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}`), /deeper than 8/],
    [
      'too deep, of long names',
      message(`${`<${'n'.repeat(3000)}>`.repeat(40)}${`</${'n'.repeat(3000)}>`.repeat(40)}`),
      /bytes|deeper/,
    ],
    ['too many attributes', message(`<a ${many(9, (i) => `a${i}='v' `)}/>`), /more than 8 attributes/],
    [
      'too many attributes of the root',
      message(
        '',
        many(9, (i) => ` a${i}='v'`),
      ),
      /more than 8 attributes/,
    ],
    ['prefixed attributes', message(`<a ${many(9, (i) => `xmlns:p${i}='urn:${i}' p${i}:a='v' `)}/>`), /attributes/],
    ['too long', message('x'.repeat(5000)), /more than 1000 bytes/],
    ['too long, of references', message('&quot;&#x41;'.repeat(500)), /more than 1000 bytes/],
    [
      'too long, of CDATA',
      message(`<![CDATA[${'<]]]>&'.repeat(500).replaceAll(']]>', ']]')}]]>`),
      /more than 1000 bytes/,
    ],
    ['a long value', message(`<a b="${">/'&lt;".repeat(400)}"/>`), /more than 1000 bytes/],
    ['a long name', message(`<${'n'.repeat(3000)}/>`), /more than 1000 bytes/],
    ['a long value of the root', message('', ` x='${'y'.repeat(3000)}'`), /more than 1000 bytes/],
    [
      'a prefix for the namespace of XML',
      message("<a xmlns:n='http://www.w3.org/XML/1998/namespace' n:foo='1'/>"),
      /not allowed/,
    ],
    ['the namespace of XML as the default', message("<a xmlns='http://www.w3.org/XML/1998/namespace'/>"), /reserved/],
    ['a prefix for nothing', message("<a xmlns:n=''/>"), /not allowed/],
    [
      'a prefix of its own for the client',
      message('x'.repeat(5000))
        .replaceAll(/(<\/?)(message)/g, '$1c:$2')
        .replace(' from', " xmlns:c='jabber:client' from"),
      /1000 bytes/,
    ],
  ];
  it.each(odd)('costs itself, and is told with its sender: %s', (_, text, why) => {
    for (const where of [[], 'each', [1, 333, 3, 999, 7]] as const) {
      if (where === 'each' && text.length > 100_000) continue;
      const one = stream();
      one.push(`<a/>${text}<b/>${text}<c/>`, where as 'each');
      expect(one.heard.faults).toEqual([]);
      expect(one.stanzas).toEqual(['<a/>', '<b/>', '<c/>']);
      expect(one.skipped).toHaveLength(2);
      for (const { name, ns, attrs, why: told } of one.skipped) {
        expect({ name, ns }).toEqual({ name: 'message', ns: 'jabber:client' });
        expect(attrs).toMatchObject({ from: 'bob@example.org/r', to: 'a@x', id: '1', type: 'chat' });
        expect(told).toMatch(why);
      }
    }
  });

  it('is passed over in constant memory', () => {
    const one = stream();
    one.push("<message from='a@b'><body>");
    const chunk = Buffer.alloc(65_536, 'x<y/>&amp;');
    const whole = chunk.subarray(0, 65_530);
    for (let i = 0; i < 300; i++) one.push(whole);
    expect(one.heard.most).toBeLessThan(100_000);
    one.push('</body></message><a/>');
    expect(one.stanzas).toEqual(['<a/>']);
    expect(one.skipped).toHaveLength(1);
  });

  it('keeps no attribute of the root that is longer than any that means well', () => {
    const one = stream();
    one.push(`<message from='${'x'.repeat(50_000)}' id='7'><body/></message><a/>`);
    expect(one.skipped.map(({ attrs }) => ({ ...attrs }))).toEqual([{ id: '7' }]);
    expect(one.stanzas).toEqual(['<a/>']);
  });

  it('ends the stream before the login', () => {
    const faults: XmlFault[] = [];
    const splitter = createSplitter(
      'stream',
      { stanza: () => {}, skipped: () => {}, fault: ({ fault }) => faults.push(fault) },
      { limits: LIMITS },
    );
    splitter.push(Buffer.from(HEADER + message('x'.repeat(5000))));
    expect(faults).toEqual(['policy-violation']);
  });
});

describe('what breaks the stream within a stanza that is skipped', () => {
  const inside = (content: string | Buffer) =>
    Buffer.concat([
      Buffer.from(`<message>${'<a>'.repeat(9)}`),
      Buffer.from(content as Buffer),
      Buffer.from(`${'</a>'.repeat(9)}</message>`),
    ]);
  const latin1 = (text: string) => Buffer.from(text, 'latin1');
  it.each<[string, string | Buffer, XmlFault]>([
    ['a comment', '<!-- x -->', 'restricted-xml'],
    ['a processing instruction', '<?x y?>', 'restricted-xml'],
    ['a document type', '<!DOCTYPE x>', 'restricted-xml'],
    ['an entity', '&foo;', 'restricted-xml'],
    ['an entity in a value', "<a b='&foo;'/>", 'restricted-xml'],
    ['a bare ampersand', 'a & b', 'not-well-formed'],
    ['an ampersand before the end of a value', "<a b='x&'/>", 'not-well-formed'],
    ['a reference to no character', '&#0;', 'not-well-formed'],
    ['a reference to a surrogate', '&#xD83D;', 'not-well-formed'],
    ['a control character', '\u001b', 'not-well-formed'],
    ['a control character in a value', "<a b='\u0001'/>", 'not-well-formed'],
    ['a NUL in CDATA', '<![CDATA[\0]]>', 'not-well-formed'],
    ['U+FFFF', '\uffff', 'not-well-formed'],
    [']]>', ']]]>', 'not-well-formed'],
    ['a wrong end tag', '<b></c>', 'not-well-formed'],
    ['an end tag with an attribute', "<b></b c='d'>", 'not-well-formed'],
    ['a < in a value', "<a b='<'/>", 'not-well-formed'],
    ['a value without quotes', '<a b=c/>', 'not-well-formed'],
    ['an attribute without a value', '<a b/>', 'not-well-formed'],
    ['attributes that are not set apart', "<a b='1'c='2'/>", 'not-well-formed'],
    ['a name that begins with a digit', '<1/>', 'not-well-formed'],
    ['two colons', '<a:b:c/>', 'not-well-formed'],
    ['a / within a tag', '<a / >', 'not-well-formed'],
    ['Latin-1', latin1('\xe9'), 'unsupported-encoding'],
    ['Latin-1 in a name', latin1('<\xe9/>'), 'unsupported-encoding'],
    ['an overlong slash', latin1('\xc0\xaf'), 'unsupported-encoding'],
    ['a surrogate', latin1('\xed\xa0\x80'), 'unsupported-encoding'],
    ['U+110000', latin1('\xf4\x90\x80\x80'), 'unsupported-encoding'],
    ['a stray continuation', latin1('\x80'), 'unsupported-encoding'],
  ])('%s', (_, content, expected) => {
    for (const where of [[], 'each'] as const) {
      const one = stream();
      one.push(Buffer.concat([inside(content), Buffer.from(`<b/>${'x'.repeat(LIMITS.bytes)}`)]), where as 'each');
      expect(one.heard).toMatchObject({ stanzas: [], faults: [expected] });
    }
  });
});

describe('passing over', () => {
  it('ends where any stanza ends, wherever the bytes are cut, and keeps what its root says', () => {
    fc.assert(
      fc.property(stanza, cuts, (text, where) => {
        const skip = createSkip();
        const bytes = Buffer.from(text);
        let at = 0;
        let ended = -1;
        for (const chunk of [...cut(bytes, where), Buffer.from('<x/>')]) {
          const after = skip.push(chunk, 0, chunk.length);
          if (after >= 0) {
            ended = at + after;
            break;
          }
          at += chunk.length;
        }
        expect(ended).toBe(bytes.length);
        expect(text.startsWith(`<${skip.name}`)).toBe(true);
      }),
      { numRuns: runs(2000) },
    );
  });

  it('takes time linear in the size', () => {
    const skip = createSkip();
    const chunk = Buffer.from(`<a>${'<b c=\'&#10;\' d="x">text</b>'.repeat(40_000)}`);
    const start = performance.now();
    for (let i = 0; i < 10; i++) skip.push(chunk, 0, chunk.length);
    // 11 MB: half a second on a slow machine.
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('takes a reference that is padded with any number of zeros', () => {
    const skip = createSkip();
    const text = Buffer.from(`<a b='&#x${'0'.repeat(500)}41;'>&#${'0'.repeat(500)}65;</a>`);
    expect(skip.push(text, 0, text.length)).toBe(text.length);
    expect(() => createSkip().push(Buffer.from(`<a>&#${'0'.repeat(500)};</a>`), 0, 510)).toThrow(XmlError);
  });
});
