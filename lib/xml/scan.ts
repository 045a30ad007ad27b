/**
 * The pieces of a tag and of text, byte by byte. Each function begins at `i`, returns the index after what it read, or
 * -1 when the buffer ends first, and throws XmlError at the first byte that cannot be. What the caller may want to know
 * besides is left in `seen`.
 */
import { isUtf8 } from 'node:buffer';
import {
  HIGH,
  isNcName,
  NAME_CHAR,
  NAME_START,
  reference,
  SPACE,
  STOP,
  TEXT_RUN,
  VALUE_RUN,
  XmlError,
} from './chars.ts';

/** Marks that the pieces leave behind; the reader of a whole element clears them. */
export const seen = {
  /** Bytes above ASCII. */
  high: false,
  /** White space or CDATA that a canonical line does not have. */
  odd: false,
  /** Whether the last value or text is ASCII, and stands for itself byte by byte. */
  plain: true,
  /** Where the colon of the last name is, or -1. */
  colon: -1,
};

export const fail = (message: string, at: number): never => {
  throw new XmlError('not-well-formed', message, at);
};

/** Whether the bytes at `a` and at `b` are the same for `length` bytes. */
export function same(buf: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (buf[a + i] !== buf[b + i]) return false;
  return true;
}

/** White space, at least none: the index of the first byte that is something else, or `end`. */
export function space(buf: Uint8Array, i: number, end: number): number {
  while (i < end && SPACE[buf[i]!]) i++;
  return i;
}

/** A name with at most one colon (QName, Namespaces in XML production 7). */
export function qname(buf: Buffer, i: number, end: number): number {
  const from = i;
  let colon = -1;
  let high = false;
  if (i < end && !NAME_START[buf[i]!]) fail('a malformed name', i);
  for (; i < end; i++) {
    const byte = buf[i]!;
    if (NAME_CHAR[byte]) {
      if (byte >= 0x80) high = true;
    } else if (byte === 0x3a && colon < 0) {
      colon = i;
      if (i + 1 < end && !NAME_START[buf[i + 1]!]) fail('a malformed name', i + 1);
    } else break;
  }
  if (i === end) return -1;
  if (high) {
    seen.high = true;
    if (!isUtf8(buf.subarray(from, i))) throw new XmlError('unsupported-encoding', 'bytes that are not UTF-8', from);
    const parts = buf.toString('utf8', from, i).split(':');
    if (!parts.every(isNcName)) fail('a malformed name', from);
  }
  seen.colon = colon;
  return i;
}

/** U+FFFE and U+FFFF are UTF-8 but no XML; they begin with EF. */
function checkNonCharacter(buf: Uint8Array, i: number, end: number): void {
  if (i + 2 < end && buf[i + 1] === 0xbf && buf[i + 2]! >= 0xbe) fail('a character that XML does not have', i);
}

/** A run of bytes that mean nothing: the index of the first that may, or `end`. */
function run(buf: Uint8Array, i: number, end: number, table: Uint8Array): number {
  let bits = 0;
  let kind = 0;
  // Four at once: one branch for all is what makes this as fast as it is.
  for (; i + 4 <= end; i += 4) {
    kind = table[buf[i]!]! | table[buf[i + 1]!]! | table[buf[i + 2]!]! | table[buf[i + 3]!]!;
    if ((kind & STOP) !== 0) break;
    bits |= kind;
  }
  for (; i < end; i++) {
    kind = table[buf[i]!]!;
    if ((kind & STOP) !== 0) break;
    bits |= kind;
  }
  if ((bits & HIGH) !== 0) {
    seen.high = true;
    seen.plain = false;
  }
  return i;
}

/** A byte at which a run stopped and which is neither a reference nor the end: looked at, and passed. */
function passed(buf: Uint8Array, i: number, end: number): number {
  const byte = buf[i]!;
  if (byte < 0x20 || byte >= 0x80) seen.plain = false;
  if (byte === 0xef) {
    seen.high = true;
    checkNonCharacter(buf, i, end);
  } else if (byte < 0x20) {
    if (!SPACE[byte]) fail('a control character', i);
    seen.odd = true;
  }
  return i + 1;
}

/** The rest of an attribute's value, up to its closing quote: the index of that quote. */
export function value(buf: Uint8Array, i: number, end: number, quote: number): number {
  seen.plain = true;
  for (;;) {
    i = run(buf, i, end, VALUE_RUN);
    if (i === end) return -1;
    const byte = buf[i]!;
    if (byte === quote) return i;
    if (byte === 0x26) {
      seen.plain = false;
      i = reference(buf, i, end);
      if (i < 0) return -1;
    } else {
      if (byte === 0x3c) fail('a < within a value', i);
      i = passed(buf, i, end);
    }
  }
}

/** Character data up to the next `<`: its index. */
export function text(buf: Uint8Array, i: number, end: number): number {
  seen.plain = true;
  for (;;) {
    i = run(buf, i, end, TEXT_RUN);
    if (i === end) return -1;
    const byte = buf[i]!;
    if (byte === 0x3c) return i;
    if (byte === 0x26) {
      seen.plain = false;
      i = reference(buf, i, end);
      if (i < 0) return -1;
    } else {
      if (byte === 0x5d && i + 2 < end && buf[i + 1] === 0x5d && buf[i + 2] === 0x3e) fail(']]> outside of CDATA', i);
      i = passed(buf, i, end);
    }
  }
}

const CDATA = Buffer.from('![CDATA[');

/** A CDATA section from its `!` on; the index after `]]>`. */
export function cdata(buf: Uint8Array, i: number, end: number): number {
  for (let j = 0; j < CDATA.length; j++, i++) {
    if (i === end) return -1;
    if (buf[i] !== CDATA[j]) throw new XmlError('restricted-xml', 'a comment or a document type', i);
  }
  seen.odd = true;
  for (; ; i++) {
    if (i + 2 >= end) return -1;
    const byte = buf[i]!;
    if (byte === 0x5d && buf[i + 1] === 0x5d && buf[i + 2] === 0x3e) return i + 3;
    if (byte < 0x20 && !SPACE[byte]) fail('a control character', i);
    if (byte >= 0x80) {
      seen.high = true;
      if (byte === 0xef) checkNonCharacter(buf, i, end);
    }
  }
}

/** Whether the bytes at `at` begin a stanza's start tag: `<message `, `<presence>`, `<iq/`. */
export function beginsStanza(buf: Uint8Array, at: number, end: number): boolean {
  return STANZA_STARTS.some((start) => {
    const after = at + start.length;
    if (after >= end || NAME_CHAR[buf[after]!] || buf[after] === 0x3a) return false;
    return start.every((byte, i) => buf[at + i] === byte);
  });
}

/** Whether they might, if more of them came. */
export const mayBeginStanza = (buf: Uint8Array, at: number, end: number): boolean =>
  STANZA_STARTS.some(
    (start) => end - at <= start.length && start.every((byte, i) => at + i >= end || buf[at + i] === byte),
  );

const STANZA_STARTS = ['<message', '<presence', '<iq'].map((start) => [...Buffer.from(start)]);
