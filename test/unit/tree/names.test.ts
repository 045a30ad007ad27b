import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dirName, extName, idOfName, isCutName, isIqId, RESERVED } from '../../../lib/tree/names.ts';
import { runs } from '../../runs.ts';

const hash = (id: string) => createHash('sha256').update(id).digest('hex').slice(0, 16);
const LOOK = '~0123456789abcdef';

describe('the directory of an id', () => {
  test.each([
    ['alice@example.org', 'alice@example.org'],
    ['a@x.co', 'a@x.co'],
    ['a@x.com', 'a@x.com'],
    ['example.org', 'example.org'],
    ['a~b@example.org', 'a~b@example.org'],
    ["o'neil+x=y@example.org", "o'neil+x=y@example.org"],
    ['m\u00fcller@b\u00fccher.example', 'm\u00fcller@b\u00fccher.example'],
    ['\u{1f600}', '\u{1f600}'],
    ['user%host@gateway', 'user%25host@gateway'],
    ['a/b', 'a%2Fb'],
    ['/', '%2F'],
    ['.', '%2E'],
    ['..', '%2E.'],
    ['../../x', '%2E.%2F..%2Fx'],
    ['.hidden@b', '%2Ehidden@b'],
    ['-rf@b', '%2Drf@b'],
    ['a-b.c@d', 'a-b.c@d'],
    ['\u0000', '%00'],
    ['a\nb\u001b\u007f', 'a%0Ab%1B%7F'],
    ['a\u009bb', 'a%C2%9Bb'],
    ['a\u2028\u2029', 'a%E2%80%A8%E2%80%A9'],
    ['a\u202egnp.exe', 'a%E2%80%AEgnp.exe'],
    ['\u2066a\u2069', '%E2%81%A6a%E2%81%A9'],
    ['\u200fa\u061c', '%E2%80%8Fa%D8%9C'],
    ['in', '%69n'],
    ['state', '%73tate'],
    ['events', '%65vents'],
    ['mypresence', '%6Dypresence'],
    ['ext', '%65xt'],
    ['password', '%70assword'],
    ['cert.pem', '%63ert.pem'],
    ['in.example', 'in.example'],
    ['%69n', '%2569n'],
    ['\ufeffa', '\ufeffa'],
    [`a${LOOK}`, 'a%7E0123456789abcdef'],
    [`a${LOOK}0`, `a${LOOK}0`],
  ])('of %j is %j', (id, name) => {
    expect(dirName(id)).toBe(name);
    expect(idOfName(name)).toBe(id);
    expect(isCutName(name)).toBe(false);
  });

  test.each(['', '\ud800', 'a\udc00'])('there is none for %j', (id) => {
    expect(() => dirName(id)).toThrow(RangeError);
  });
});

describe('a name of more than 255 bytes', () => {
  test('is cut, and ends in the hash', () => {
    const id = `${'a'.repeat(243)}@example.org`;
    expect(dirName(id)).toBe(id);
    const longer = `a${id}`;
    expect(dirName(longer)).toBe(`${longer.slice(0, 238)}~${hash(longer)}`);
    expect(Buffer.byteLength(dirName(longer))).toBe(255);
  });

  test.each([
    ['a character of two bytes', '\u00e9', 2],
    ['a character of four bytes', '\u{1f600}', 4],
    ['an escaped character', '/', 3],
    ['an escaped character of three bytes', '\u2028', 9],
  ])('is never cut inside %s', (_, char, bytes) => {
    for (let before = 1; before <= bytes; before++) {
      const id = 'x'.repeat(before) + char.repeat(1023);
      const name = dirName(id);
      const whole = Math.floor((238 - before) / bytes);
      const shown = bytes > Buffer.byteLength(char) ? encodeURIComponent(char) : char;
      expect(name).toBe(`${'x'.repeat(before)}${shown.repeat(whole)}~${hash(id)}`);
      expect(isCutName(name)).toBe(true);
      expect(idOfName(name)).toBeNull();
    }
  });

  test('of two ids that begin alike is two names', () => {
    expect(dirName(`${'a'.repeat(400)}@x.co`)).not.toBe(dirName(`${'a'.repeat(400)}@x.com`));
  });

  test('is not that of an id that looks like it', () => {
    const cut = dirName('a'.repeat(300));
    expect(dirName(cut)).not.toBe(cut);
    expect(idOfName(dirName(cut.slice(20)))).toBe(cut.slice(20));
  });

  test('has small hex digits', () => {
    const name = 'a'.repeat(238) + LOOK.toUpperCase();
    expect(isCutName(name)).toBe(false);
    expect(idOfName(name)).toBe(name);
  });

  test.each([
    ['too short', `a${LOOK}`],
    ['too long', 'a'.repeat(239) + LOOK],
    ['with half an escape', `${'a'.repeat(236)}%2${LOOK}`],
    ['with an escape that is not needed', `${'a'.repeat(230)}%41${LOOK}`],
    ['hidden', `.${'a'.repeat(236)}${LOOK}`],
    ['with a control', `\u0007${'a'.repeat(236)}${LOOK}`],
  ])('is not one %s', (_, name) => {
    expect(isCutName(name)).toBe(false);
    expect(idOfName(name)).toBeNull();
  });
});

describe('no id has the name', () => {
  test.each([
    '',
    '.',
    '..',
    '.lock',
    '-x',
    'a/b',
    'a\u0000',
    'a\nb',
    'a%',
    'a%2',
    'a%2f',
    'a%61',
    '%2e',
    '%69',
    'a%zz',
    'a%C3',
    'a%C3%A9',
    'a%ED%A0%80',
    'a%FF',
    'a%C0%AF',
    '%EF%BB%BFa',
    'a\u202e',
    'a\u0085',
    '\ud800',
    'a'.repeat(256),
    ...RESERVED,
  ])('%j', (name) => {
    expect(idOfName(name)).toBeNull();
  });
});

describe('properties', () => {
  const unit = fc.oneof(
    fc.constantFrom(...'/.-%~@ 0a2F5e\u0000\u001f\u007f\u0085\u00e9\u2028\u202e\u{1f600}', LOOK, '%2F', ...RESERVED),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  const text = fc.array(unit, { minLength: 1, maxLength: 30 }).map((units) => units.join(''));
  const id = fc
    .oneof(
      text,
      fc.tuple(text, fc.nat(300)).map(([t, n]) => t + 'a'.repeat(n)),
      fc.tuple(fc.nat(300), text).map(([n, t]) => 'a'.repeat(n) + t),
    )
    .filter((t) => !/\p{Cs}/u.test(t));

  test('a name is one path component that is not hidden, no option and none of ours', () => {
    fc.assert(
      fc.property(id, (x) => {
        const name = dirName(x);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(name).toMatch(/^[^./-]/u);
        expect(name).not.toMatch(/[/\p{Cc}\u2028\u2029\p{Bidi_Control}]/u);
        expect(RESERVED.has(name)).toBe(false);
        expect(path.posix.join('dir', name)).toBe(`dir/${name}`);
        expect(dirName(x)).toBe(name);
      }),
      { numRuns: runs(5000) },
    );
  });

  test('a name tells its id, unless it is cut', () => {
    fc.assert(
      fc.property(id, (x) => {
        const name = dirName(x);
        expect(idOfName(name)).toBe(isCutName(name) ? null : x);
      }),
      { numRuns: runs(5000) },
    );
  });

  test('two ids have two names, and so has an id that is the name of another', () => {
    fc.assert(
      fc.property(id, id, (x, y) => {
        expect(dirName(x) === dirName(y)).toBe(x === y);
        const name = dirName(x);
        if (name !== x) expect(dirName(name)).not.toBe(name);
      }),
      { numRuns: runs(5000) },
    );
  });

  test('whatever has an id is its name', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((t) => t.replace(/[./\p{Cc}]/gu, '%2F')),
        ),
        (name) => {
          const found = idOfName(name);
          if (found !== null) expect(dirName(found)).toBe(name);
        },
      ),
      { numRuns: runs(5000) },
    );
  });
});

test('the file system takes the names and gives them back', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'names-'));
  const ids = [
    '..',
    'in',
    'a/b',
    '\u0000',
    '\u009b',
    'm\u00fc',
    '%',
    '\u00e9'.repeat(127),
    '\u{1f600}'.repeat(200),
    '/'.repeat(1023),
  ];
  try {
    for (const id of ids) fs.mkdirSync(path.join(dir, dirName(id)));
    expect(fs.readdirSync(dir).sort()).toEqual(ids.map(dirName).sort());
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});

describe('handlers', () => {
  test.each([
    ['urn:xmpp:ping', 'urn:xmpp:ping'],
    ['http://jabber.org/protocol/disco#info', 'http:%2F%2Fjabber.org%2Fprotocol%2Fdisco#info'],
    ['a%2Fb', 'a%252Fb'],
    ['x/../y', 'x%2F..%2Fy'],
    ['-x', '-x'],
    ['a'.repeat(255), 'a'.repeat(255)],
  ])('%s', (namespace, name) => {
    expect(extName(namespace)).toBe(name);
  });

  test.each(['', '.', '..', '.x', './x', '../x', 'a\u0000b', 'a\nb', '\ud800', 'a'.repeat(256), '/'.repeat(86)])(
    'none can be for %j',
    (namespace) => {
      expect(extName(namespace)).toBeNull();
    },
  );
});

describe('iq ids', () => {
  test.each(['1', 'a-b_c.d', 'A'.repeat(64), '-', 'in1', 'IN'])('%s can be a file', (id) => {
    expect(isIqId(id)).toBe(true);
  });

  test.each([
    '',
    '.',
    '..',
    '.profile',
    '../../.profile',
    'a/b',
    'a b',
    'a\n',
    'a%2F',
    '\u00e9',
    '~',
    'A'.repeat(65),
    ...RESERVED,
  ])('%j cannot', (id) => {
    expect(isIqId(id)).toBe(false);
  });
});
