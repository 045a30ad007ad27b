/**
 * Tells when a stanza that arrives in pieces may be whole, without reading any byte twice: the strict reading begins at
 * the stanza's first byte, so it must not be tried again for each piece. It judges nothing; when in doubt it says yes.
 */

import { beginsStanza } from './scan.ts';

type State = 'text' | 'open' | 'tag' | 'quote' | 'cdata';

export type Progress = {
  at: number;
  depth: number;
  state: State;
  closing: boolean;
  quote: number;
  /** Where the last tag begins. */
  tag: number;
  /** Say yes also where a stanza seems to begin within another one, see `cut` in `read.ts`. */
  watch: boolean;
};

export const progressFrom = (at: number, watch: boolean): Progress => ({
  at,
  depth: 0,
  state: 'text',
  closing: false,
  quote: 0,
  tag: at,
  watch,
});

const CDATA = '![CDATA[';

/** Looks on from where the last call stopped; true if the element may end within the buffer, or is in error. */
export function mayBeWhole(buf: Buffer, end: number, p: Progress): boolean {
  const bytes = buf.subarray(0, end);
  for (;;) {
    switch (p.state) {
      case 'text': {
        const next = bytes.indexOf(0x3c, p.at);
        if (next < 0) return stop(p, end);
        p.tag = next;
        p.at = next + 1;
        p.state = 'open';
        break;
      }
      case 'open': {
        if (p.at === end) return false;
        const byte = bytes[p.at]!;
        if (byte === 0x3f) return true;
        if (byte === 0x21) {
          const here = bytes.toString('latin1', p.at, p.at + CDATA.length);
          if (!CDATA.startsWith(here)) return true;
          if (here.length < CDATA.length) return false;
          p.at += CDATA.length;
          p.state = 'cdata';
          break;
        }
        p.closing = byte === 0x2f;
        p.state = 'tag';
        break;
      }
      case 'tag': {
        let i = p.at;
        while (i < end && bytes[i] !== 0x3e && bytes[i] !== 0x27 && bytes[i] !== 0x22 && bytes[i] !== 0x3c) i++;
        if (i === end) return stop(p, end);
        if (bytes[i] === 0x3c) return true;
        p.at = i + 1;
        if (bytes[i] !== 0x3e) {
          p.quote = bytes[i]!;
          p.state = 'quote';
          break;
        }
        const inner = p.watch && p.depth > 0;
        if (p.closing) p.depth--;
        else if (bytes[i - 1] !== 0x2f) p.depth++;
        p.state = 'text';
        if (p.depth <= 0 || (inner && seemsCut(buf, p.tag, i))) return true;
        break;
      }
      case 'quote': {
        let i = p.at;
        while (i < end && bytes[i] !== p.quote && bytes[i] !== 0x3c) i++;
        if (i === end) return stop(p, end);
        if (bytes[i] === 0x3c) return true;
        p.at = i + 1;
        p.state = 'tag';
        break;
      }
      case 'cdata': {
        const close = bytes.indexOf(']]>', p.at);
        if (close < 0) return stop(p, Math.max(p.at, end - 2));
        p.at = close + 3;
        p.state = 'text';
        break;
      }
    }
  }
}

function stop(p: Progress, at: number): false {
  p.at = at;
  return false;
}

const seemsCut = (buf: Buffer, tag: number, to: number) =>
  beginsStanza(buf, tag, to + 1) && !buf.toString('latin1', tag, to).includes(' xmlns');

/** How far `tagEnd` has looked, from the tag's first byte on, and the quote that is open there. */
export type TagScan = { at: number; quote: number };

/**
 * The index of the `>` that ends the tag begun at `start`, or -1.
 * @param scan goes from call to call while the tag arrives in pieces, so that no byte is looked at twice
 */
export function tagEnd(buf: Buffer, start: number, end: number, scan?: TagScan): number {
  let quote = scan === undefined ? 0 : scan.quote;
  for (let i = scan === undefined ? start : start + scan.at; i < end; i++) {
    const byte = buf[i]!;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === 0x3e) return i;
    else if (byte === 0x27 || byte === 0x22) quote = byte;
  }
  if (scan !== undefined) {
    scan.at = end - start;
    scan.quote = quote;
  }
  return -1;
}
