/**
 * Tells when a stanza that arrives in pieces may be whole, without reading any byte twice: the strict reading begins at
 * the stanza's first byte, so it must not be tried again for each piece. It judges nothing; when in doubt it says yes.
 */

type State = 'text' | 'open' | 'tag' | 'quote' | 'cdata';

export type Progress = { at: number; depth: number; state: State; closing: boolean; quote: number };

export const progressFrom = (at: number): Progress => ({ at, depth: 0, state: 'text', closing: false, quote: 0 });

const CDATA = '![CDATA[';

/** Looks on from where the last call stopped; true if the element may end within the buffer, or is in error. */
export function mayBeWhole(buf: Buffer, end: number, p: Progress): boolean {
  const bytes = buf.subarray(0, end);
  for (;;) {
    switch (p.state) {
      case 'text': {
        const next = bytes.indexOf(0x3c, p.at);
        if (next < 0) return stop(p, end);
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
        if (p.closing) p.depth--;
        else if (bytes[i - 1] !== 0x2f) p.depth++;
        p.state = 'text';
        if (p.depth <= 0) return true;
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

/** The index of the `>` that ends the tag begun at `start`, or -1. */
export function tagEnd(buf: Buffer, start: number, end: number): number {
  let quote = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i]!;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === 0x3e) return i;
    else if (byte === 0x27 || byte === 0x22) quote = byte;
  }
  return -1;
}
