/**
 * The few names and namespaces that come over and over, as strings that are made once: to compare some bytes costs a
 * tenth of what it costs to make a string of them. What collides is made again, so hostile names cost only time.
 */

type Entry = { readonly bytes: Uint8Array; readonly text: string };

const SHIFT = 23;
const SLOTS = 2 ** (32 - SHIFT);
/** Longer ones are not kept: so a memo never holds more than some 50 kB. */
const LONGEST = 96;

/**
 * A function that gives what `make` makes of a span of bytes.
 * @param make must depend on nothing but the bytes
 */
export function memo(make: (buf: Buffer, from: number, to: number) => string) {
  const entries: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);
  return (buf: Buffer, from: number, to: number): string => {
    const length = to - from;
    if (length > LONGEST || length === 0) return make(buf, from, to);
    const some = buf[from]! + (buf[from + (length >> 1)]! << 8) + (buf[from + (length >> 2)]! << 16);
    // Two places for each: the names of one kind of stanza must not push each other out.
    const slot = Math.imul(some + 31 * buf[to - 1]! + 67 * length, 0x9e3779b1) >>> SHIFT;
    const entry = entries[slot];
    if (entry !== undefined && isAt(entry.bytes, buf, from, length)) return entry.text;
    const second = entries[slot ^ 1];
    if (second !== undefined && isAt(second.bytes, buf, from, length)) return second.text;
    const text = make(buf, from, to);
    entries[slot ^ 1] = entry;
    entries[slot] = { bytes: Uint8Array.prototype.slice.call(buf, from, to), text };
    return text;
  };
}

function isAt(bytes: Uint8Array, buf: Buffer, from: number, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== buf[from + i]) return false;
  return true;
}
