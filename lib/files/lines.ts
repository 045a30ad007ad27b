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
};

export function createLines(limit: number, on: LineEvents): Lines {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let length = 0;

  function finish(): void {
    const line = held.length === 1 ? held[0]! : Buffer.concat(held);
    const all = length;
    held = [];
    heldBytes = length = 0;
    if (all > limit) on.tooLong(line, all);
    else on.line(line);
  }

  return {
    push(chunk) {
      let start = 0;
      for (;;) {
        const feed = chunk.indexOf(0x0a, start);
        const end = feed < 0 ? chunk.length : feed;
        if (feed >= 0 && length === 0 && end - start <= limit) on.line(chunk.subarray(start, end));
        else if (end > start || length > 0) {
          const keep = Math.min(end - start, limit - heldBytes);
          if (keep > 0) {
            held.push(Buffer.from(chunk.subarray(start, start + keep)));
            heldBytes += keep;
          }
          length += end - start;
          if (feed >= 0) finish();
        }
        if (feed < 0) return;
        start = feed + 1;
      }
    },
    flush() {
      if (length > 0) finish();
    },
  };
}
