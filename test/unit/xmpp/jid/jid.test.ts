import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf, bare, bareOf, full, JidError, parseJid, tryJid } from '../../../../lib/xmpp/jid/jid.ts';
import { runs } from '../../../runs.ts';

const parts = (text: string) => Object.values(parseJid(text));

function codeOf(text: string): string {
  try {
    parseJid(text);
  } catch (error) {
    if (error instanceof JidError) return error.code;
    throw error;
  }
  return 'valid';
}

describe('RFC 7622 section 3.5', () => {
  test.each([
    ['juliet@example.com', 'juliet', 'example.com', ''],
    ['juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
    ['juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
    ['juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
    ['foo\\20bar@example.com', 'foo\\20bar', 'example.com', ''],
    ['fussball@example.com', 'fussball', 'example.com', ''],
    ['fu\u00dfball@example.com', 'fu\u00dfball', 'example.com', ''],
    ['\u03c0@example.com', '\u03c0', 'example.com', ''],
    ['\u03a3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    ['\u03c3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    ['\u03c2@example.com/foo', '\u03c2', 'example.com', 'foo'],
    ['king@example.com/\u265a', 'king', 'example.com', '\u265a'],
    ['example.com', '', 'example.com', ''],
    ['example.com/foobar', '', 'example.com', 'foobar'],
    ['a.example.com/b@example.net', '', 'a.example.com', 'b@example.net'],
  ])('%s is an address', (text, local, domain, resource) => {
    expect(parseJid(text)).toEqual({ local, domain, resource });
  });

  test.each([
    ['"juliet"@example.com', 'local-forbidden'],
    ['foo bar@example.com', 'local-forbidden'],
    ['@example.com/', 'local-empty'],
    ['henry\u2163@example.com', 'local-forbidden'],
    ['juliet@', 'domain-empty'],
    ['/foobar', 'domain-empty'],
  ])('%s is none', (text, code) => {
    expect(codeOf(text)).toBe(code);
    expect(tryJid(text)).toBeNull();
    expect(bareOf(text)).toBeNull();
  });

  test('a space at the start of a resource is allowed, as erratum 4560 has it', () => {
    expect(parts('juliet@example.com/ foo')).toEqual(['juliet', 'example.com', ' foo']);
  });
});

describe('where the parts are', () => {
  test.each([
    ['a@b/c/d', 'a', 'b', 'c/d'],
    ['a@b/c@d/e', 'a', 'b', 'c@d/e'],
    ['a/b@c', '', 'a', 'b@c'],
    ['in', '', 'in', ''],
    ['a/b', '', 'a', 'b'],
    ['user%host@gateway.example', 'user%host', 'gateway.example', ''],
  ])('%s', (text, local, domain, resource) => {
    expect(parseJid(text)).toEqual({ local, domain, resource });
  });

  test.each([
    ['', 'domain-empty'],
    ['@', 'local-empty'],
    ['/', 'domain-empty'],
    ['@/', 'local-empty'],
    ['@b', 'local-empty'],
    ['a@/r', 'domain-empty'],
    ['a@b/', 'resource-empty'],
    ['a@@b', 'domain-forbidden'],
    ['a@b@c', 'domain-forbidden'],
    ['.', 'domain-label'],
    ['..', 'domain-label'],
    ['a@..', 'domain-label'],
    ['../../x', 'domain-label'],
    ['a@b..c', 'domain-label'],
    ['a@.b', 'domain-label'],
    ['a@b..', 'domain-label'],
  ])('%j is no address', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });
});

describe('the normal form', () => {
  test.each([
    ['Alice@Example.ORG/Phone', 'alice@example.org/Phone'],
    ['alice@example.org.', 'alice@example.org'],
    ['alice@example.org./x', 'alice@example.org/x'],
    ['\uff21lice@example.org', 'alice@example.org'],
    ['M\u00dcLLER@B\u00dcCHER.example/\u00dc', 'm\u00fcller@b\u00fccher.example/\u00dc'],
    ['mu\u0308ller@bu\u0308cher.example/u\u0308', 'm\u00fcller@b\u00fccher.example/\u00fc'],
    ['a@xn--bcher-kva.example', 'a@b\u00fccher.example'],
    ['a@XN--BCHER-KVA.example', 'a@b\u00fccher.example'],
    ['a@b/x\u00a0y\u3000z', 'a@b/x y z'],
  ])('of %s is %s', (text, normal) => {
    expect(full(parseJid(text))).toBe(normal);
    expect(bareOf(text)).toBe(bare(parseJid(normal)));
  });

  test('of bare JIDs keeps those apart that are not the same', () => {
    expect(bareOf('a@x.co')).not.toBe(bareOf('a@x.com'));
    expect(bareOf('a@x.co/m')).toBe('a@x.co');
    expect(bareOf('a@x.com/m')).toBe('a@x.com');
  });
});

describe('the length of a part is 1 to 1023 octets', () => {
  const domain = (length: number) => 'a.'.repeat(length).slice(0, length);

  test.each([
    ['local', (part: string) => `${part}@b`],
    ['resource', (part: string) => `a@b/${part}`],
  ])('%s', (name, address) => {
    expect(codeOf(address('a'.repeat(1023)))).toBe('valid');
    expect(codeOf(address('a'.repeat(1024)))).toBe(`${name}-long`);
    expect(codeOf(address('\u00e9'.repeat(511) + 'a'))).toBe('valid');
    expect(codeOf(address('\u00e9'.repeat(512)))).toBe(`${name}-long`);
    expect(codeOf(address('e\u0301'.repeat(511)))).toBe('valid');
    expect(codeOf(address('a'.repeat(1_000_000)))).toBe(`${name}-long`);
  });

  test('domain', () => {
    expect(codeOf(`a@${domain(1023)}`)).toBe('valid');
    expect(codeOf(`a@${domain(1025)}`)).toBe('domain-long');
    expect(codeOf(domain(1_000_001))).toBe('domain-long');
  });

  test('all three at their limit', () => {
    const text = `${'l'.repeat(1023)}@${domain(1023)}/${'r'.repeat(1023)}`;
    expect(full(parseJid(text))).toBe(text);
  });

  test('it is that of the normal form', () => {
    expect(parts(`${'\uff21'.repeat(1023)}@b`)[0]).toBe('a'.repeat(1023));
    // U+023A has two octets and its lower case U+2C65 three.
    expect(codeOf(`${'\u023a'.repeat(342)}@b`)).toBe('local-long');
  });
});

test('an error tells the part and the fault, and shows no code point that a terminal obeys', () => {
  expect(() => parseJid('a\u001b[2J@b')).toThrow('the localpart has U+001B in it');
  expect(() => parseJid('a@b/\u202e')).toThrow('the resourcepart has U+202E in it');
  expect(() => parseJid('a@b c')).toThrow('the domainpart has U+0020 in it');
});

test('a resource that is none does not hide whose it is', () => {
  expect(tryJid('a@b/\u200d')).toBeNull();
  expect(bareOf('a@b/\u200d')).toBe('a@b');
  expect(bareOf('a@b/')).toBeNull();
});

test.each(['\ud800', '\udc00', 'a\udbff', '\udc00\ud800'])('a lone surrogate is in no part: %j', (text) => {
  expect(codeOf(`${text}@b`)).toBe('local-forbidden');
  expect(codeOf(`a@${text}`)).toBe('domain-forbidden');
  expect(codeOf(`a@b/${text}`)).toBe('resource-forbidden');
});

describe('properties', () => {
  const unit = fc.oneof(
    fc.constantFrom(
      ...'@/.-_%~ aZ9xn\u00df\u03a3\u03c2\u0130\u0308\u0301\uff21\uff76\uff9e\u05d0\u0660\u06f0\u200d\u094d\u30fb\u00b7l',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  );
  const text = fc.array(unit, { maxLength: 24 }).map((units) => units.join(''));

  test('a normal form is its own', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((t) => `a@b.c/${t}`),
          text.map((t) => `${t}@b.c`),
          text.map((t) => `a@${t}`),
        ),
        (x) => {
          const jid = tryJid(x);
          if (jid === null) return;
          expect(parseJid(full(jid))).toEqual(jid);
          expect(bareOf(full(jid))).toBe(bare(jid));
          expect(parts(bare(jid)).slice(0, 2)).toEqual([jid.local, jid.domain]);
        },
      ),
      { numRuns: runs(5000) },
    );
  });

  test('a domain holds nothing that ends it, and no part holds a control', () => {
    fc.assert(
      fc.property(text, (x) => {
        const jid = tryJid(x);
        if (jid === null) return;
        // The joiners are let through where they join (RFC 5892 appendix A.1 and A.2).
        expect(jid.domain.replace(/[\u200c\u200d]/g, '')).not.toMatch(/[/@%\s\p{Cc}\p{Cf}]|^\.|\.$|\.\./u);
        expect(jid.local).not.toMatch(/["&'/:<>@\s\p{Cc}]/u);
        expect(jid.resource).not.toMatch(/\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
      { numRuns: runs(5000) },
    );
  });

  test('any two spellings of ASCII in upper and lower case are one bare JID', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9]{1,20}$/);
    fc.assert(
      fc.property(word, word, (local, domain) => {
        fc.pre(!/^xn--/i.test(domain));
        expect(bareOf(`${local}@${domain}`)).toBe(`${local}@${domain}`.toLowerCase());
      }),
    );
  });
});

describe('an address that servers let in, and RFC 7622 does not', () => {
  test.each([
    ['a symbol', '\u265a@example.com/r', '\u265a@example.com'],
    ['a typographic apostrophe', 'o\u2019brien@Example.com', 'o\u2019brien@example.com'],
    ['an emoji', 'bob\u{1f600}@example.com', 'bob\u{1f600}@example.com'],
    ['an emoji that is newer than the tables', 'bob\u{1facd}@example.com', 'bob\u{1facd}@example.com'],
    ['dashes and quotes', '\u201ca\u2013b\u201d@example.com', '\u201ca\u2013b\u201d@example.com'],
    ['upper case besides', '\u265aBob@example.com', '\u265abob@example.com'],
    ['mixed digits', '\u0661\u06f1@example.com', '\u0661\u06f1@example.com'],
    ['both directions', '\u05d0b@example.com', '\u05d0b@example.com'],
    ['a middle dot', 'a\u00b7b@example.com', 'a\u00b7b@example.com'],
    ['a symbol in the domain', 'Bob@\u2603.example.com', 'bob@\u2603.example.com'],
    ['a symbol in both', '\u265a@\u2603.example.com', '\u265a@\u2603.example.com'],
    ['a domain alone', '\u2603.example.com', '\u2603.example.com'],
  ])('has a bare form, and keeps it: %s', (_, text, form) => {
    expect(bareOf(text)).toBe(form);
    expect(bareOf(form)).toBe(form);
    expect(tryJid(form)).toBeNull();
    expect(addressOf(`${form}/r`)).toEqual({ bare: form, full: `${form}/r` });
  });

  test.each([
    ['what is another form of an address that is allowed', 'henry\u2163@example.com'],
    ['a soft hyphen', 'bo\u00adb@example.com'],
    ['no width', 'bo\u200bb@example.com'],
    ['a joiner', 'bo\u200db@example.com'],
    ['a bidi control', '\u202ebob@example.com'],
    ['a space', 'b ob\u265a@example.com'],
    ['a no-break space', 'b\u00a0ob@example.com'],
    ['a control', '\u265a\n@example.com'],
    ['a lone surrogate', '\ud800@example.com'],
    ['no character', '\ufffe@example.com'],
    ['a quotation mark', '"\u265a@example.com'],
    ['two at signs', '\u265a@a@b'],
    ['an empty label', '\u265a@a..b'],
    ['a hyphen at an end of a label', 'a@-\u2603.b'],
    ['nothing', '@\u2603'],
    ['more than 1023 octets', `${'\u265a'.repeat(342)}@example.com`],
  ])('has none with %s', (_, text) => {
    expect(bareOf(text)).toBeNull();
    expect(addressOf(text)).toBeNull();
  });

  test('never takes the place of one that is allowed, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.string({ unit: 'binary', maxLength: 12 }),
        (a, b) => {
          const text = `${a}@${b}`;
          const form = bareOf(text);
          if (form === null || tryJid(text) !== null || text.includes('/')) return;
          expect(tryJid(form)).toBeNull();
          expect(bareOf(form)).toBe(form);
          expect(form).not.toMatch(/[\p{Cc}\p{Cf}\p{Z}/]/u);
        },
      ),
      { numRuns: runs(3000) },
    );
  });
});

describe('the time that an address takes', () => {
  const long = 4092;
  test.each([
    ['Arabic digits in a localpart', `${'\u0661'.repeat(long)}@a.b`],
    ['Arabic digits in a resource', `a@b/${'\u0661'.repeat(long)}`],
    ['Arabic digits in a domain', '\u0661'.repeat(long)],
    ['as many Arabic digits as fit', `${'\u0661'.repeat(511)}@a.b`],
    ['middle dots before the first ideograph', `${'\u30fb'.repeat(long - 1)}\u6f22@a.b`],
    ['as many middle dots as fit', `${'\u30fb'.repeat(339)}\u6f22@a.b`],
    ['combining marks out of order', `x${'\u0316\u0301'.repeat(2045)}@a.b`],
    ['marks within a word from right to left', `\u05d0${'\u0591'.repeat(400)}a@a.b`],
    ['many labels', '\u00fc.'.repeat(2046)],
  ])('is linear in its length: %s', (_, text) => {
    const start = performance.now();
    for (let i = 0; i < 40; i++) bareOf(text);
    // 40 readings in quadratic time take 12 s and more, in linear time 10 to 150 ms.
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('the length is judged before the rules', () => {
    for (const text of [`${'\u221e'.repeat(400)}@a.b`, `a@b/${'\u0661'.repeat(512)}`, '\u221e'.repeat(400)])
      expect(() => parseJid(text)).toThrow(/longer than 1023 octets/);
  });
});
