import fc from 'fast-check';
import { Element } from 'ltx';
import { expect, it } from 'vitest';
import { isXmlText } from '../../../lib/xml/chars.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { canonical, escapeXml } from '../../../lib/xml/write.ts';
import { runs } from '../../runs.ts';
import { judge } from './judge.ts';

const text = fc.string({ unit: 'binary' }).filter(isXmlText);

it('escapes whatever means something or would not survive', () => {
  expect(escapeXml(`<a b='c' d="e">&\t\r\n`)).toBe('&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;&#9;&#13;&#10;');
  expect(escapeXml('plain é 😀 \u0085\u2028')).toBe('plain é 😀 \u0085\u2028');
});

it('carries any text of XML, as text and as a value, on one line', () => {
  fc.assert(
    fc.property(text, (any) => {
      const line = canonical(new Element('a', { b: any }).t(any));
      expect(line).not.toMatch(/[\r\n\t]/);
      const back = parseElement(line);
      expect([back.attrs.b, back.getText()]).toEqual([any, any]);
      expect(judge(line)).toEqual({ name: '{}a', attrs: { '{}b': any }, children: any === '' ? [] : [any] });
    }),
    { numRuns: runs(2000) },
  );
});

it('leaves out attributes that are not set, and ends empty elements at once', () => {
  const element = new Element('message', { to: 'a@example.org', type: undefined });
  element.c('body').t('x').up().c('active', { xmlns: 'urn:a' });
  expect(canonical(element)).toBe("<message to='a@example.org'><body>x</body><active xmlns='urn:a'/></message>");
});
