import type { Piece } from '../xml/split.ts';

/**
 * Stanzas that leave together: collected while a chunk is read, written at once after it. Pieces are copied only when
 * the batch is taken, so that must be before their buffers are used again.
 */
export type Batch = {
  /** A stanza as it came, or its canonical text. */
  put(stanza: Piece | string): void;
  /** All of them in one buffer, each ended by a line feed; null if there are none. `parts` gets each by itself. */
  take(parts?: Buffer[]): Buffer | null;
};

export function createBatch(): Batch {
  let stanzas: (Piece | string)[] = [];
  return {
    put: (stanza) => void stanzas.push(stanza),
    take(parts) {
      if (stanzas.length === 0) return null;
      let size = stanzas.length;
      for (const s of stanzas) size += typeof s === 'string' ? Buffer.byteLength(s) : s.end - s.start;
      const batch = Buffer.allocUnsafe(size);
      let at = 0;
      for (const s of stanzas) {
        const start = at;
        at += typeof s === 'string' ? batch.write(s, at) : s.buf.copy(batch, at, s.start, s.end);
        parts?.push(batch.subarray(start, at));
        batch[at++] = 0x0a;
      }
      stanzas = [];
      return batch;
    },
  };
}
