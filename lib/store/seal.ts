/**
 * Lines with a checksum, in the files that programs of ours keep for themselves: `CRC LINE`, the CRC-32 of the line in
 * eight hexadecimal digits. What a failing disk, a power failure or an editor has spoilt is known for it, and costs no
 * other line.
 */
import zlib from 'node:zlib';

const DIGITS = 8;
const FEED = 0x0a;
const SPACE = 0x20;

const checksum = (line: Uint8Array): string => (zlib.crc32(line) >>> 0).toString(16).padStart(DIGITS, '0');

/** Puts a checksum before each of these lines, each of which must have its end. */
export function sealLines(lines: string | Uint8Array): Buffer {
  const plain =
    typeof lines === 'string' ? Buffer.from(lines) : Buffer.from(lines.buffer, lines.byteOffset, lines.length);
  let count = 0;
  for (let at = plain.indexOf(FEED); at >= 0; at = plain.indexOf(FEED, at + 1)) count++;
  const sealed = Buffer.allocUnsafe(plain.length + count * (DIGITS + 1));
  let from = 0;
  let to = 0;
  for (let end = plain.indexOf(FEED); end >= 0; end = plain.indexOf(FEED, from)) {
    to += sealed.write(`${checksum(plain.subarray(from, end))} `, to, 'latin1');
    to += plain.copy(sealed, to, from, end + 1);
    from = end + 1;
  }
  return sealed.subarray(0, to);
}

/** The line behind its checksum, null if that does not fit. @param line without its end */
export function unseal(line: Buffer): Buffer | null {
  if (line[DIGITS] !== SPACE) return null;
  const plain = line.subarray(DIGITS + 1);
  return line.toString('latin1', 0, DIGITS) === checksum(plain) ? plain : null;
}

/** The lines of a file's content. */
export function splitLines(content: Buffer): { lines: Buffer[]; whole: number } {
  const lines: Buffer[] = [];
  let whole = 0;
  for (let end = content.indexOf(FEED); end >= 0; end = content.indexOf(FEED, whole)) {
    lines.push(content.subarray(whole, end));
    whole = end + 1;
  }
  return { lines, whole };
}
