/** A line that somebody wrote into a contact's `in`, as a message to send. */
import { isUtf8 } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import type { MessageCodec } from './model.ts';

export type Composed =
  | { readonly id: string; readonly body: string; readonly frame: string }
  /** Why it can't be sent, and what was written: as text if it is one. */
  | { readonly refused: string; readonly body?: string; readonly bytes?: string };

const ID_BYTES = 18;
const pool = Buffer.alloc(ID_BYTES * 64);
let used = pool.length;

/** 144 random bits: nobody who has seen some of them can guess another. */
function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return `m${pool.toString('base64url', used, (used += ID_BYTES))}`;
}

const NUL = 0;

/**
 * The text of a line: what stands between NULs that a front end pads it with. One that writes whole buffers puts them
 * behind its line feed, which is in front of the next line.
 */
function unpadded(line: Buffer): Buffer {
  if (!line.includes(NUL)) return line;
  let start = 0;
  while (line[start] === NUL) start++;
  const end = line.indexOf(NUL, start);
  return line.subarray(start, end < 0 ? line.length : end);
}

/**
 * Makes a message of a line. U+2028 becomes a line feed; one carriage return at the end is taken for a part of the line's
 * end; what follows a NUL is not a part of the text.
 * @param padded its bytes without the line feed
 * @param room whether it goes to everybody in a room
 * @param most bytes of a frame
 * @returns the frame as one line, or why it cannot be sent; null if there is nothing in it
 */
export function composeLine(
  padded: Buffer,
  to: string,
  room: boolean,
  codec: Pick<MessageCodec<never>, 'carries' | 'encodeMessage'>,
  most: number,
): Composed | null {
  const line = unpadded(padded);
  if (!isUtf8(line)) return { refused: 'not UTF-8', bytes: line.toString('base64') };
  const text = line.toString('utf8');
  const written = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (written === '') return null;
  const refused = codec.carries(written);
  if (refused !== null) return { refused, body: written };
  const body = written.replaceAll('\u2028', '\n');
  const id = newId();
  const frame = codec.encodeMessage({ to, id, body, room });
  // No code unit takes more than three bytes.
  if (3 * frame.length > most && Buffer.byteLength(frame) > most)
    return { refused: `too long: ${line.length} bytes`, body: written };
  return { id, body, frame };
}
