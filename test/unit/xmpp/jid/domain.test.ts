import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { domainpart } from '../../../../lib/xmpp/jid/domain.ts';
import { PrecisError } from '../../../../lib/xmpp/jid/precis.ts';
import { runs } from '../../../runs.ts';

function outcome(text: string): string {
  try {
    return domainpart(text);
  } catch (error) {
    if (error instanceof PrecisError) return `!${error.fault}`;
    throw error;
  }
}

describe('good domains', () => {
  test.each([
    ['example.org', 'example.org'],
    ['EXAMPLE.Org', 'example.org'],
    ['example.org.', 'example.org'],
    ['localhost', 'localhost'],
    ['x--y.example', 'x--y.example'],
    ['_xmpp.my_host.example', '_xmpp.my_host.example'],
    ['127.0.0.1', '127.0.0.1'],
    ['1.2.3', '1.2.3'],
    ['0x7f.1', '0x7f.1'],
    ['[::1]', '[::1]'],
    ['[2001:DB8:0:0::1]', '[2001:db8::1]'],
    ['B\u00fccher.example', 'b\u00fccher.example'],
    ['bu\u0308cher.example', 'b\u00fccher.example'],
    ['xn--bcher-kva.example', 'b\u00fccher.example'],
    ['fa\u00df.de', 'fa\u00df.de'],
    ['xn--fa-hia.de', 'fa\u00df.de'],
    ['\u03b2\u03cc\u03bb\u03bf\u03c2.gr', '\u03b2\u03cc\u03bb\u03bf\u03c2.gr'],
    ['\u0391\u03a3.gr', '\u03b1\u03c3.gr'],
    ['\uff45\uff58.example', 'ex.example'],
    ['\u212b\u212a.example', '\u00e5k.example'],
    ['\u4f8b\u3048.\u30c6\u30b9\u30c8', '\u4f8b\u3048.\u30c6\u30b9\u30c8'],
    ['l\u00b7l.cat', 'l\u00b7l.cat'],
    ['\u0915\u094d\u200d\u0937.example', '\u0915\u094d\u200d\u0937.example'],
    ['xn--mgba3gch31f060k.com', '\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com'],
    ['\u05d0\u05d1.\u05d2\u05d3', '\u05d0\u05d1.\u05d2\u05d3'],
  ])('%s is %s', (text, normal) => {
    expect(outcome(text)).toBe(normal);
    expect(outcome(normal)).toBe(normal);
  });
});

describe('what Node would cut, map or repair', () => {
  test.each([
    ['a path', 'a/b', 'forbidden'],
    ['a full-width solidus', 'a\uff0fb', 'forbidden'],
    ['a sign that is a/c to URLs', '\u2100.com', 'forbidden'],
    ['a fraction slash', 'a\u2044b', 'forbidden'],
    ['a backslash', 'a\\b', 'forbidden'],
    ['a fragment', 'a#b', 'forbidden'],
    ['a query', 'a?b', 'forbidden'],
    ['a port', 'a:80', 'forbidden'],
    ['an @', 'a@b', 'forbidden'],
    ['a full-width @', 'a\uff20b', 'forbidden'],
    ['a percent sign', 'a%2fb', 'forbidden'],
    ['a space', 'a b', 'forbidden'],
    ['an ideographic space', 'a\u3000b', 'forbidden'],
    ['a tab', 'a\tb', 'forbidden'],
    ['a line feed', 'a\nb', 'forbidden'],
    ['NUL', 'a\u0000b', 'forbidden'],
    ['DEL', 'a\u007fb', 'forbidden'],
    ['C1', 'a\u0080b', 'forbidden'],
    ['an ideographic dot', 'a\u3002b', 'forbidden'],
    ['a half-width ideographic dot', 'a\uff61b', 'forbidden'],
    ['a full-width dot', 'a\uff0eb', 'forbidden'],
    ['a digit with a dot', '\u2488com', 'forbidden'],
    ['a soft hyphen', 'a\u00adb', 'forbidden'],
    ['a joiner', 'a\u200db', 'context'],
    ['a non-joiner', 'a\u200cb', 'context'],
    ['a zero width space', 'a\u200bb', 'forbidden'],
    ['a byte order mark', '\ufeffa', 'forbidden'],
    ['a variation selector', 'a\ufe0f', 'forbidden'],
    ['a bidi override', 'a\u202eb', 'forbidden'],
    ['a lone surrogate', 'a\ud800', 'forbidden'],
    ['a Roman numeral', '\u2163.com', 'forbidden'],
    ['a ligature', '\ufb00.com', 'forbidden'],
  ])('%s is refused', (_, text, fault) => {
    expect(outcome(text)).toBe(`!${fault}`);
  });

  test('numbers are no addresses in disguise', () => {
    expect(outcome('0177.0.0.1')).toBe('0177.0.0.1');
    expect(outcome('2130706433')).toBe('2130706433');
  });
});

describe('labels', () => {
  test.each(['.', '..', '.a', 'a..', 'a..b', '-a', 'a-', 'a.-b.c', 'a.b-.c', '\u00e9-', '-\u00e9'])('%s', (text) => {
    expect(outcome(text)).toBe('!label');
  });

  test('nothing is no domain', () => {
    expect(outcome('')).toBe('!empty');
  });

  test('a label has at most 63 octets, as DNS has it', () => {
    expect(outcome('a'.repeat(63))).toBe('a'.repeat(63));
    expect(outcome('a'.repeat(64))).toBe('!label');
    const long = '\u00e9' + 'a'.repeat(55);
    expect(outcome(long)).toBe(long);
    expect(outcome(`${long}aa`)).toBe('!label');
  });

  test.each([
    ['no punycode', 'xn--\u00e9'],
    ['of nothing', 'xn--'],
    ['of nothing but ASCII', 'xn--abc-'],
    ['of a label that has another A-label', 'xn--BCHER-kva0'],
    ['of upper case', 'xn--Bcher-1na'],
    ['of an emoji', 'xn--ls8h'],
    ['of a slash', 'xn--a/b-'],
  ])('an A-label %s', (_, text) => {
    expect(outcome(`${text}.example`)).toMatch(/^!(label|forbidden)$/);
  });

  test.each([
    ['an emoji', '\u{1f4a9}.la', 'forbidden'],
    ['a snowman', '\u2603.net', 'forbidden'],
    ['a low line among other letters', '\u00e9_a', 'forbidden'],
    ['two hyphens in third place', 'ab--\u00e9', 'label'],
    ['a combining mark first', 'a.\u0300b', 'label'],
    ['an unassigned code point', 'a\u0378', 'forbidden'],
    ['private use', 'a\ue000', 'forbidden'],
    ['an old Hangul jamo', '\u1100.kr', 'forbidden'],
    ['a mark for symbols', 'a\u20d0', 'forbidden'],
    ['what folds to another letter', '\u1f80.gr', 'forbidden'],
    ['an iota below', 'a\u0345', 'forbidden'],
    ['small Cherokee', '\uab70', 'forbidden'],
    ['tatweel', '\u0628\u0640', 'forbidden'],
    ['a middle dot between others', 'a\u00b7b', 'context'],
    ['mixed directions', '\u05d0a', 'direction'],
    ['a digit before right to left', '1\u05d0', 'direction'],
    ['a label of digits beside right to left', '1.\u05d0', 'direction'],
  ])('IDNA2008 forbids %s', (_, text, fault) => {
    expect(outcome(text)).toBe(`!${fault}`);
  });
});

test.each(['[', '[]', '[::1', '[::1]x', '[1.2.3.4]', '[::1%eth0]', '[v1.x]', '[::1]]', '[:::]', '[::1]:5222'])(
  '%s is no IP literal',
  (text) => {
    expect(outcome(text)).toBe('!label');
  },
);

test('whatever comes out is a domain, and its own normal form', () => {
  const unit = fc.oneof(
    fc.constantFrom(...'.-_xn[]:%/@\u00df\u0130\u0308\uff0e\uff0f\u3002\u05d0\u200d\u094d', 'xn--'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
      const normal = outcome(units.join(''));
      if (normal.startsWith('!')) return;
      expect(normal).toMatch(
        /^(\[[0-9a-f:]+\]|[-\p{L}\p{M}\p{N}\u00b7\u0375\u05f3\u05f4\u200c-\u200d\u30fb\u06fd\u06fe\u0f0b_]+(\.[^./@%\s]+)*)$/u,
      );
      expect(outcome(normal)).toBe(normal);
    }),
    { numRuns: runs(5000) },
  );
});
