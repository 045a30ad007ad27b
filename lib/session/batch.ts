import type { Piece } from '../xml/split.ts';

/** A stanza as it came, or its canonical text. */
export type Stanza = Piece | Buffer | string;

/**
 * Stanzas that leave together: collected while a chunk is read, written at once after it. Pieces are copied only when
 * the batch is taken, so that must be before their buffers are used again.
 */
export type Batch = {
  /** A stanza as it came, or its canonical text. */
  put(stanza: Stanza): void;
  /** All of them in one buffer, each ended by a line feed; null if there are none. `parts` gets each by itself. */
  take(parts?: Buffer[]): Buffer | null;
};

export function createBatch(): Batch {
  let stanzas: Stanza[] = [];
  return {
    put: (stanza) => void stanzas.push(stanza),
    take(parts) {
      if (stanzas.length === 0) return null;
      let size = stanzas.length;
      for (const s of stanzas) size += sizeOf(s);
      const batch = Buffer.allocUnsafe(size);
      let at = 0;
      for (const s of stanzas) {
        const start = at;
        if (typeof s === 'string') at += batch.write(s, at);
        else at += 'buf' in s ? s.buf.copy(batch, at, s.start, s.end) : s.copy(batch, at);
        parts?.push(batch.subarray(start, at));
        batch[at++] = 0x0a;
      }
      stanzas = [];
      return batch;
    },
  };
}

function sizeOf(s: Stanza): number {
  if (typeof s === 'string') return Buffer.byteLength(s);
  return 'buf' in s ? s.end - s.start : s.length;
}
