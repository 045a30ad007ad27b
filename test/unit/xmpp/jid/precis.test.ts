import { describe, expect, test } from 'vitest';
import { opaqueString, PrecisError, usernameCaseMapped } from '../../../../lib/xmpp/jid/precis.ts';

function outcome(profile: (text: string) => string, text: string): string {
  try {
    return profile(text);
  } catch (error) {
    if (error instanceof PrecisError) return `!${error.fault}`;
    throw error;
  }
}

const user = (text: string) => outcome(usernameCaseMapped, text);
const opaque = (text: string) => outcome(opaqueString, text);

describe('RFC 8265 section 3.5: user names', () => {
  test.each([
    ['juliet@example.com', 'juliet@example.com'],
    ['fussball', 'fussball'],
    ['fu\u00dfball', 'fu\u00dfball'],
    ['\u03c0', '\u03c0'],
    ['\u03a3', '\u03c3'],
    ['\u03c3', '\u03c3'],
    ['\u03c2', '\u03c2'],
    ['foo bar', '!forbidden'],
    ['', '!empty'],
    ['henry\u2163', '!forbidden'],
    ['\u221e', '!forbidden'],
  ])('%j is %j', (text, normal) => {
    expect(user(text)).toBe(normal);
  });
});

describe('RFC 8265 section 4.3: opaque strings', () => {
  test.each([
    ['correct horse battery staple', 'correct horse battery staple'],
    ['Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
    ['\u03c0\u00df\u00e5', '\u03c0\u00df\u00e5'],
    ['Jack of \u2666s', 'Jack of \u2666s'],
    ['foo\u1680bar', 'foo bar'],
    ['', '!empty'],
    ['my cat is a \tby', '!forbidden'],
  ])('%j is %j', (text, normal) => {
    expect(opaque(text)).toBe(normal);
  });
});

describe('what is mapped in a user name, and not in an opaque string', () => {
  test.each([
    ['full width', '\uff21\uff42', 'ab'],
    ['half width', '\uff76', '\u30ab'],
    ['half width with a mark of its own', '\uff76\uff9e', '\u30ac'],
    ['upper case', '\u00c4B', '\u00e4b'],
    ['upper case of two code points below', '\u0130', 'i\u0307'],
    ['final sigma', '\u0391\u03a3', '\u03b1\u03c2'],
    ['upper case beyond the BMP', '\u{10400}', '\u{10428}'],
    ['Cherokee', '\u13a0', '\uab70'],
  ])('%s', (_, text, normal) => {
    expect(user(text)).toBe(normal);
    expect(opaque(text)).toBe(text);
  });
});

test('both compose (NFC), and Hangul syllables too', () => {
  for (const profile of [user, opaque]) {
    expect(profile('e\u0301')).toBe('\u00e9');
    expect(profile('a\u0323\u0307')).toBe(profile('a\u0307\u0323'));
  }
});

describe('what both refuse', () => {
  test.each([
    ['NUL', 'a\u0000'],
    ['C0 control', 'a\u001f'],
    ['line feed', 'a\nb'],
    ['DEL', 'a\u007f'],
    ['C1 control', 'a\u0085'],
    ['unassigned', 'a\u0378'],
    ['noncharacter', 'a\ufffe'],
    ['noncharacter of a plane', 'a\u{1ffff}'],
    ['lone high surrogate', 'a\ud800'],
    ['lone low surrogate', 'a\udc00b'],
    ['private use', 'a\ue000'],
    ['private use of a plane', 'a\u{100000}'],
    ['old Hangul jamo L', 'a\u1100'],
    ['old Hangul jamo V', 'a\ua960'],
    ['old Hangul jamo T', 'a\ud7fb'],
    ['soft hyphen', 'a\u00adb'],
    ['variation selector', 'a\ufe0f'],
    ['tag', 'a\u{e0061}'],
    ['zero width space', 'a\u200b'],
    ['byte order mark', '\ufeffa'],
    ['bidi override', 'a\u202e'],
    ['bidi isolate', 'a\u2066'],
    ['line separator', 'a\u2028'],
    ['paragraph separator', 'a\u2029'],
    ['Hangul filler', 'a\u3164'],
    ['exception: Arabic tatweel', '\u0628\u0640\u0628'],
    ['exception: NKo lajanyalan', '\u07ca\u07fa'],
    ['exception: Hangul tone mark', 'a\u302e'],
    ['exception: vertical kana repeat mark', '\u3031'],
    ['exception: vertical ideographic iteration mark', '\u303b'],
  ])('%s', (_, text) => {
    expect(user(text)).toBe('!forbidden');
    expect(opaque(text)).toBe('!forbidden');
  });
});

describe('what only an opaque string may have', () => {
  test.each([
    ['space', 'a b'],
    ['compatibility decomposition', '\u2163'],
    ['ligature', '\ufb00'],
    ['letter number', '\u16ee'],
    ['other number', '\u00bd'],
    ['enclosing mark', 'a\u20dd'],
    ['title case', '\u1f88'],
    ['maths symbol', '\u2260'],
    ['currency', '\u20ac'],
    ['modifier symbol', '\u02d8'],
    ['other symbol', '\u{1f600}'],
    ['connector', '\u203f'],
    ['dash', '\u2014'],
    ['brackets', '\u3010\u3011'],
    ['quotation marks', '\u201c\u201d'],
    ['other punctuation', '\u00bf'],
  ])('%s', (_, text) => {
    expect(user(text)).toBe('!forbidden');
    expect(opaque(text)).toBe(text.normalize('NFC'));
  });

  test('code points that decompose alone stay only as NFC makes them', () => {
    expect(user('\u212b')).toBe('!forbidden');
    expect(opaque('\u212b')).toBe('\u00e5'.toUpperCase());
  });
});

describe('what both take', () => {
  test.each([
    ['all of printable ASCII but upper case', '!"#$%&\'()*+,-./0123456789:;<=>?@[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~'],
    ['lower case', '\u00e9'],
    ['other letter', '\u4e2d'],
    ['digit', '\u0967'],
    ['modifier letter', 'a\u02bb'],
    ['marks', '\u0915\u093f\u0902'],
    ['exceptions', '\u00df\u03c2\u0f0b\u3007'],
    ['Arabic exceptions', '\u0628\u06fd\u06fe\u0628'],
  ])('%s', (_, text) => {
    expect(user(text)).toBe(text);
    expect(opaque(text)).toBe(text);
  });
});

describe('contextual code points (RFC 5892 appendix A)', () => {
  test.each([
    ['non-joiner after a virama', '\u0915\u094d\u200c\u0937', true],
    ['non-joiner where letters join', '\u0628\u200c\u0628', true],
    ['non-joiner where letters with marks join', '\u0628\u064e\u200c\u064e\u0627', true],
    ['non-joiner between joining letters of Unicode 15', '\u{10ec3}\u200c\u{10ec2}', true],
    ['non-joiner after a letter that does not join', '\u0627\u200c\u0628', false],
    ['non-joiner alone', '\u200c', false],
    ['non-joiner between Latin letters', 'a\u200cb', false],
    ['two non-joiners', '\u0628\u200c\u200c\u0628', false],
    ['joiner after a virama', '\u0915\u094d\u200d\u0937', true],
    ['joiner where letters join', '\u0628\u200d\u0628', false],
    ['middle dot between l', 'l\u00b7l', true],
    ['middle dot elsewhere', 'a\u00b7l', false],
    ['middle dot at the end', 'l\u00b7', false],
    ['Greek numeral sign before Greek', '\u0375\u03b1', true],
    ['Greek numeral sign before Latin', '\u0375a', false],
    ['geresh after Hebrew', '\u05d0\u05f3', true],
    ['geresh at the start', '\u05f3\u05d0', false],
    ['gershayim after Hebrew', '\u05d0\u05f4\u05d1', true],
    ['gershayim after Latin', 'a\u05f4', false],
    ['katakana middle dot with katakana', '\u30a2\u30fb\u30a4', true],
    ['katakana middle dot with hiragana', '\u30fb\u3042', true],
    ['katakana middle dot with Han', 'a\u30fb\u4e2d', true],
    ['katakana middle dot alone', 'a\u30fbb', false],
    ['Arabic-Indic digits', '\u0628\u0660\u0661', true],
    ['extended Arabic-Indic digits', '\u0628\u06f0\u06f1', true],
    ['both', '\u0628\u0660\u06f1', false],
    ['both, the other way', '\u0628\u06f0\u0661', false],
  ])('%s', (_, text, good) => {
    expect(opaque(text)).toBe(good ? text : '!context');
    expect(user(text)).toBe(good ? text : '!context');
  });
});

test('a joiner of emoji is none of a virama', () => {
  expect(opaque('\u{1f468}\u200d\u{1f4bb}')).toBe('!context');
});

describe('the Bidi Rule (RFC 5893) holds for user names', () => {
  test.each([
    ['right to left', '\u05d0\u05d1', true],
    ['with a mark at the end', '\u05d0\u05b8', true],
    ['with European digits', '\u05d0\u05d11', true],
    ['with Arabic digits', '\u0628\u0661', true],
    ['with a neutral inside', '\u05d0.\u05d1', true],
    ['beyond the BMP', '\u{1e900}'.toLowerCase(), true],
    ['left to right after right to left', '\u05d0a', false],
    ['right to left after left to right', 'a\u05d0', false],
    ['a digit first', '1\u05d0', false],
    ['an Arabic digit first', '\u0661', false],
    ['a neutral at the end', '\u05d0-', false],
    ['both kinds of digits', '\u05d0\u06611', false],
    ['a mark of Kannada, which is left to right', '\u05d0\u0cbf', false],
  ])('%s', (_, text, good) => {
    expect(user(text)).toBe(good ? text : '!direction');
    expect(opaque(text)).toBe(text);
  });
});
