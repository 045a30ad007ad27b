import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reference } from '../../../lib/xml/chars.ts';
import { beginsStanza, mayBeginStanza, qname, seen, text, value } from '../../../lib/xml/scan.ts';
import { runs } from '../../runs.ts';

const bytes = (s: string) => Buffer.from(s);

describe('the start of a stanza', () => {
  it.each(['<message ', '<presence>', '<iq/', '<iq\n', '<message<'])('%j is one', (start) => {
    const buf = bytes(`xx${start}`);
    expect(beginsStanza(buf, 2, buf.length)).toBe(true);
    // Until its last byte is there, it may become one.
    for (let end = 2; end < buf.length; end++) {
      expect(beginsStanza(buf, 2, end)).toBe(false);
      expect(mayBeginStanza(buf, 2, end)).toBe(true);
    }
  });
  it.each(['<messages ', '<iq:x ', '<iq-', '<Message ', 'message ', '< iq ', '<m ', '</iq '])('%j is none', (start) => {
    const buf = bytes(start);
    expect(beginsStanza(buf, 0, buf.length)).toBe(false);
    expect(mayBeginStanza(buf, 0, buf.length)).toBe(false);
  });
});

describe('pieces', () => {
  it('end where they end, or ask for more', () => {
    expect(qname(bytes('a:b='), 0, 4)).toBe(3);
    expect(seen.colon).toBe(1);
    expect(qname(bytes('ab '), 0, 3)).toBe(2);
    expect(seen.colon).toBe(-1);
    expect(qname(bytes('ab'), 0, 2)).toBe(-1);
    expect(value(bytes("a&lt;b'"), 0, 7, 0x27)).toBe(6);
    expect(value(bytes('a"\''), 0, 3, 0x27)).toBe(2);
    expect(value(bytes('ab'), 0, 2, 0x27)).toBe(-1);
    expect(text(bytes('a]]&gt;<'), 0, 8)).toBe(7);
    expect(text(bytes('ab'), 0, 2)).toBe(-1);
  });
  it.each(['1', ':a', 'a:1', 'a::', '·'])('the name %s is malformed', (name) => {
    expect(() => qname(bytes(`${name} `), 0, Buffer.byteLength(name) + 1)).toThrow();
  });
});

describe('runs of text', () => {
  /** Plain runs of any length around each byte that means something, and bytes at random. */
  const some = fc
    .array(
      fc.oneof(
        fc.constantFrom('a', 'abc', 'abcd', 'abcdefghijk', 'é', '😀', '\uff21').map((run) => Buffer.from(run)),
        fc.constantFrom(...`<&]>'";\t\n\r \u0001\ufffe\uffff`, ']]>', '&lt;', '&#9;').map((char) => Buffer.from(char)),
        fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 12 },
    )
    .map((parts) => Buffer.concat(parts));

  /** What the readers of a run must do, byte by byte. */
  function slowly(buf: Uint8Array, i: number, stops: string) {
    const marks = { plain: true, odd: false, high: false };
    const result = (at: number | 'fault') => ({ at, ...marks });
    for (; i < buf.length; i++) {
      const byte = buf[i]!;
      const char = String.fromCharCode(byte);
      if (stops.includes(char)) return result(i);
      if (char === '<') return result('fault');
      if (char === '&') {
        marks.plain = false;
        try {
          i = reference(buf, i, buf.length) - 1;
        } catch {
          return result('fault');
        }
        if (i < 0) return result(-1);
        continue;
      }
      if (byte < 0x20) {
        if (!'\t\n\r'.includes(char)) return result('fault');
        marks.odd = true;
      }
      if (byte >= 0x80) marks.high = true;
      if (byte < 0x20 || byte >= 0x80) marks.plain = false;
      if (stops === '<' && char === ']' && buf[i + 1] === 0x5d && buf[i + 2] === 0x3e) return result('fault');
      if (byte === 0xef && buf[i + 1] === 0xbf && buf[i + 2]! >= 0xbe) return result('fault');
    }
    return result(-1);
  }
  function quickly(work: () => number) {
    seen.high = seen.odd = false;
    try {
      return { at: work(), odd: seen.odd, high: seen.high, plain: seen.plain };
    } catch {
      return { at: 'fault' as const };
    }
  }

  it('end where they do byte by byte, and leave the same marks', () => {
    fc.assert(
      fc.property(some, fc.nat({ max: 8 }), (bytes, from) => {
        const at = Math.min(from, bytes.length);
        for (const [stops, work] of [
          ['<', () => text(bytes, at, bytes.length)],
          ["'", () => value(bytes, at, bytes.length, 0x27)],
          ['"', () => value(bytes, at, bytes.length, 0x22)],
        ] as const) {
          const slow = slowly(bytes, at, stops);
          const quick = quickly(work);
          // Of what is refused or not whole only that counts.
          if (slow.at === 'fault' || slow.at < 0) expect(quick.at).toBe(slow.at);
          else expect(quick).toEqual(slow);
        }
      }),
      { numRuns: runs(20_000) },
    );
  });
});
