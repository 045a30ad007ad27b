import { isUtf8 } from 'node:buffer';

/** A line typed blindly on a terminal in raw mode: the editing that the terminal itself does no more. */
export type Editor = {
  /**
   * Takes what was typed. `enter` ends the line (Enter, ^D), `interrupt` gives it up (^C, ^\); whatever follows
   * either is not looked at.
   */
  push: (typed: Uint8Array) => Typed;
  /** The bytes of the line so far. */
  line: () => Buffer;
};

export type Typed = 'more' | 'enter' | 'interrupt';

/**
 * Backspace takes away what a person sees as one character, ^U all. Other control characters and the sequences that
 * cursor and function keys send are dropped: no password may hold them (RFC 4013), and nobody sees that they are there.
 * @param limit bytes kept; what is typed beyond is dropped
 */
export function createEditor(limit: number): Editor {
  let line: Buffer = Buffer.alloc(0);
  // Within an escape sequence: which byte ends it (ECMA-48 5.4; ESC O is followed by one letter).
  let ends: ((byte: number) => boolean) | undefined;

  const escaped = (byte: number) => {
    if (ends === afterEscape && byte === 0x5b) ends = (b) => b >= 0x40 && b <= 0x7e;
    else if (ends === afterEscape && byte === 0x4f) ends = () => true;
    else if (ends?.(byte)) ends = undefined;
  };

  const key = (byte: number): Typed => {
    if (byte === 0x03 || byte === 0x1c) return 'interrupt';
    if (byte === 0x0d || byte === 0x0a || byte === 0x04) return 'enter';
    if (byte === 0x1b) ends = afterEscape;
    else if (ends !== undefined) escaped(byte);
    else if (byte === 0x7f || byte === 0x08) line = line.subarray(0, line.length - lastLength(line));
    else if (byte === 0x15) line = Buffer.alloc(0);
    else if (byte >= 0x20 && line.length < limit) line = Buffer.concat([line, Buffer.of(byte)]);
    return 'more';
  };

  return {
    push: (typed) => {
      for (const byte of typed) {
        const result = key(byte);
        if (result !== 'more') return result;
      }
      return 'more';
    },
    line: () => line,
  };
}

const afterEscape = () => true;

/** How many bytes the last character of the line has; one byte where the line is not UTF-8. */
function lastLength(line: Buffer): number {
  if (!isUtf8(line)) return 1;
  let last = '';
  // Made only here: it takes as long as a third of the whole start.
  for (const { segment } of new Intl.Segmenter().segment(line.toString())) last = segment;
  return Buffer.byteLength(last);
}
