/**
 * Texts for many files, collected as bytes in the order in which they come, and put together by file when they are to be
 * written. So nothing of what has been said stays on the heap until then.
 */

/** What is collected for one file. */
export type Share = {
  /** Where its texts begin and end, one after the other. */
  readonly spans: number[];
  /** Where its texts stand together, and how many bytes they are; since the last `group`. */
  at: number;
  length: number;
};

export type Collection = {
  add(share: Share, text: string): void;
  /** The same for two at once; the first is empty or ends with a line feed. */
  addTwo(first: Share, one: string, second: Share, other: string): void;
  /** Puts the texts of each of them together, all side by side. @returns all of them, valid until something is added */
  group(shares: Iterable<Share>): Buffer;
  /** The texts that `group` has put together for one of them. */
  of(share: Share): Buffer;
  /** Forgets everything that was collected for them; they are all that there are. */
  clear(shares: Iterable<Share>): void;
  /** How many bytes are collected. */
  readonly size: number;
};

export const createShare = (): Share => ({ spans: [], at: 0, length: 0 });

const FIRST = 65_536;
/** More than so many bytes are given back when they are not needed. */
const MOST = 16_777_216;

const EMPTY = Buffer.alloc(0);

export function createCollection(): Collection {
  let bytes = EMPTY;
  let used = 0;

  /** Sees to it that so many bytes have room after those that are used. */
  function reserve(more: number): void {
    if (used + more <= bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(FIRST, Math.ceil(1.25 * (used + more))));
    bytes.copy(grown, 0, 0, used);
    bytes = grown;
  }

  function put(text: string): number {
    // No code unit takes more than three bytes.
    reserve(3 * text.length);
    return bytes.write(text, used);
  }

  return {
    add({ spans }, text) {
      const from = used;
      used += put(text);
      spans.push(from, used);
    },
    addTwo(first, one, second, other) {
      const from = used;
      const length = put(one + other);
      used += length;
      const middle = from + (length === one.length + other.length ? one.length : Buffer.byteLength(one));
      first.spans.push(from, middle);
      second.spans.push(middle, used);
    },
    group(shares) {
      reserve(used);
      let to = used;
      for (const share of shares) {
        const { spans } = share;
        share.at = to;
        for (let i = 0; i < spans.length; i += 2) {
          const from = spans[i]!;
          const end = spans[i + 1]!;
          bytes.copyWithin(to, from, end);
          to += end - from;
        }
        share.length = to - share.at;
      }
      return bytes.subarray(used, to);
    },
    of: ({ at, length }) => bytes.subarray(at, at + length),
    clear(shares) {
      for (const share of shares) {
        share.spans.length = 0;
        share.length = 0;
      }
      used = 0;
      if (bytes.length > MOST) bytes = EMPTY;
    },
    get size() {
      return used;
    },
  };
}
