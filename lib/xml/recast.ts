/**
 * The canonical text of the element that `read` reads, written on its way from bytes to bytes: what `canonical` makes of
 * its tree, without a tree, which takes fifty times the memory.
 */
import { expand } from './chars.ts';
import {
  attrColon,
  attrFrom,
  attrKind,
  attrTo,
  DECLARATION,
  nameOf,
  PREFIXED,
  tag,
  valueFrom,
  valueTo,
} from './tag.ts';
import { escapeXml } from './write.ts';

let buf: Buffer;
let out: Buffer = Buffer.alloc(0);
let at = 0;
/** How many bytes it may have, and whether it has more. */
let room = 0;
let over = false;
/** The last start tag has no end yet: the element may be empty. */
let unfinished = false;
let depth = 0;
/** By depth: the name, as it is written. */
const nameFrom: number[] = [];
const nameTo: number[] = [];

const FIRST = 4096;

/** A new text begins; its element is in `bytes`. @param most how many bytes it may have */
export function beginText(bytes: Buffer, most: number): void {
  buf = bytes;
  room = most;
  at = depth = 0;
  over = unfinished = false;
  if (out.length < FIRST) out = Buffer.allocUnsafeSlow(FIRST);
}

/** The text, in memory of its own; null if it has more bytes than it may have. */
export function writtenText(): Buffer | null {
  const text = over || at > room ? null : Buffer.from(out.subarray(0, at));
  if (out.length > FIRST * 16) out = Buffer.alloc(0);
  return text;
}

/** Makes room for so many bytes more; false: there are too many, and nothing more is written. */
function need(bytes: number): boolean {
  if (over || at + bytes > room) {
    over = true;
    return false;
  }
  if (at + bytes <= out.length) return true;
  const grown = Buffer.allocUnsafeSlow(Math.min(room, Math.max(2 * out.length, at + bytes)));
  out.copy(grown, 0, 0, at);
  out = grown;
  return true;
}

function put(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (need(bytes)) at += out.write(text, at);
}

function copy(from: number, to: number): void {
  if (need(to - from)) at += buf.copy(out, at, from, to);
}

/** What a byte of text is written as; undefined: as itself. */
const TEXT: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  const escaped = byte < 0x80 ? escapeXml(char) : char;
  return escaped === char ? undefined : escaped;
});

/** Text or a value: literally, or with references; white space in a value is a space. */
function writeEscaped(from: number, to: number, literally: boolean, inValue: boolean): void {
  let start = from;
  for (let i = from; i < to; i++) {
    const byte = buf[i]!;
    const as = TEXT[byte];
    if (as === undefined) continue;
    copy(start, i);
    if (byte === 0x26 && !literally) i = refer(i);
    else if (byte === 0x0d || byte === 0x0a || byte === 0x09) {
      // XML 1.0 sections 2.11 and 3.3.3.
      if (byte === 0x0d && i + 1 < to && buf[i + 1] === 0x0a) i++;
      put(inValue ? ' ' : byte === 0x0d ? '&#10;' : as);
    } else put(as);
    if (over) return;
    start = i + 1;
  }
  copy(start, to);
}

/** @returns the index of the semicolon */
function refer(i: number): number {
  const semicolon = buf.indexOf(0x3b, i);
  if (buf[i + 1] !== 0x23) copy(i, semicolon + 1);
  else put(escapeXml(expand(buf.toString('latin1', i, semicolon + 1))));
  return semicolon;
}

function finish(): void {
  if (unfinished) put('>');
  unfinished = false;
}

/**
 * Writes the start tag just read.
 * @param xmlns and `lookup` as in `open` of `build.ts`
 */
export function writeOpen(xmlns: string | null, lookup: (prefix: string, at: number) => string): void {
  finish();
  const reserved = tag.colon >= 0 && nameOf(buf, tag.from, tag.colon) === 'xml';
  depth++;
  nameFrom[depth] = tag.colon < 0 || reserved ? tag.from : tag.colon + 1;
  nameTo[depth] = tag.to;
  put('<');
  copy(nameFrom[depth]!, nameTo[depth]!);
  if (xmlns !== null && !reserved) put(` xmlns='${escapeXml(xmlns)}'`);
  let named: Set<string> | null = null;
  for (let a = 0; a < tag.attributes; a++) {
    if (attrKind[a] === DECLARATION) continue;
    put(' ');
    copy(attrFrom[a]!, attrTo[a]!);
    put("='");
    writeEscaped(valueFrom[a]!, valueTo[a]!, false, true);
    put("'");
    if (attrKind[a] !== PREFIXED) continue;
    const prefix = nameOf(buf, attrFrom[a]!, attrColon[a]!);
    named ??= new Set();
    if (named.has(prefix)) continue;
    named.add(prefix);
    put(` xmlns:${prefix}='${escapeXml(lookup(prefix, attrColon[a]!))}'`);
  }
  unfinished = true;
}

/** Writes text, with references. */
export function writeText(from: number, to: number): void {
  finish();
  writeEscaped(from, to, false, false);
}

/** Writes what is in a CDATA section. */
export function writeLiteral(from: number, to: number): void {
  if (from === to) return;
  finish();
  writeEscaped(from, to, true, false);
}

/** Writes the end of the element that was opened last. */
export function writeClose(): void {
  if (unfinished) put('/>');
  else {
    put('</');
    copy(nameFrom[depth]!, nameTo[depth]!);
    put('>');
  }
  unfinished = false;
  depth--;
}
