import { describe, expect, it } from 'vitest';
import { beginsStanza, mayBeginStanza, qname, seen, text, value } from '../../../lib/xml/scan.ts';

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
