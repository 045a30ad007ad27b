/** Cuts bytes into lines, at whatever borders they arrive, in bounded memory. */

export type LineEvents = {
  /** A line without its line feed; the buffer is used again after the call. */
  line(bytes: Buffer): void;
  /** A line of more than the limit: its first bytes, and how long it was in all. */
  tooLong(head: Buffer, length: number): void;
};

export type Lines = {
  push(chunk: Buffer): void;
  /** The last writer has closed: what has no line feed is a line, too. */
  flush(): void;
  /** What has come of a line that is not finished, as far as it is kept. */
  readonly begun: Buffer;
};

const EMPTY = Buffer.alloc(0);
const FEED = 0x0a;

/** @param limit bytes that are kept of a line */
export function createLines(limit: number, on: LineEvents): Lines {
  let kept = EMPTY;
  let keptBytes = 0;
  let length = 0;

  function keep(bytes: Buffer): void {
    length += bytes.length;
    const take = Math.min(bytes.length, limit - keptBytes);
    if (take <= 0) return;
    if (keptBytes + take > kept.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(limit, 2 * (keptBytes + take)));
      kept.copy(grown, 0, 0, keptBytes);
      kept = grown;
    }
    bytes.copy(kept, keptBytes, 0, take);
    keptBytes += take;
  }

  function finish(): void {
    const line = kept.subarray(0, keptBytes);
    const all = length;
    kept = EMPTY;
    keptBytes = length = 0;
    if (all > limit) on.tooLong(line, all);
    else on.line(line);
  }

  return {
    push(chunk) {
      let start = 0;
      for (;;) {
        const feed = chunk.indexOf(FEED, start);
        if (feed < 0) return keep(chunk.subarray(start));
        if (length === 0 && feed - start <= limit) on.line(chunk.subarray(start, feed));
        else {
          keep(chunk.subarray(start, feed));
          finish();
        }
        start = feed + 1;
      }
    },
    flush() {
      if (length > 0) finish();
    },
    get begun() {
      return kept.subarray(0, keptBytes);
    },
  };
}
