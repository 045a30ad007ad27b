/**
 * A file of records that are appended, each with a checksum: what a crash or a power failure has left half written at
 * the end does not count, and what stands before it does.
 *
 *     4 bytes CRC-32 of all that follows, 4 bytes length of the head, 4 bytes length of the body, head, body
 *
 * Numbers have their lowest byte first.
 */
import fs from 'node:fs';
import zlib from 'node:zlib';
import { writeAll } from '../sys/append.ts';

export type Records = {
  /** Appends a record with one write. @throws on failure; then it does not count */
  append(head: string, body: Uint8Array): void;
  /** Tells when everything that was appended until now is on the disk, or why it is not. */
  sync(done: (error: Error | null) => void): void;
  /** Bytes in the file. */
  readonly size: number;
  close(): void;
};

type OnRecord = (head: string, body: Buffer) => void;

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = fs.constants;
const FIXED = 12;

/**
 * Opens the file, or makes it. What is broken at its end is cut off.
 * @param on called for each record that is there; the buffer may be kept
 * @throws on failure; if it is no regular file
 */
export function openRecords(file: string, on: OnRecord = () => {}): Records {
  const fd = fs.openSync(file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  let size = 0;
  let torn = false;
  try {
    if (!fs.fstatSync(fd).isFile()) throw new Error('not a regular file');
    const content = fs.readFileSync(fd);
    size = parse(content, on);
    torn = size < content.length;
    mend();
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  let syncs = 0;
  let closed = false;

  function mend(): void {
    if (torn) fs.ftruncateSync(fd, size);
    torn = false;
  }

  return {
    append(head, body) {
      mend();
      const prefix = frame(head, body);
      torn = true;
      const length = prefix.length + body.length;
      const written = fs.writevSync(fd, [prefix, body]);
      if (written < length) writeAll(fd, Buffer.concat([prefix, body]).subarray(written));
      torn = false;
      size += length;
    },
    sync(done) {
      if (closed) return done(new Error('closed'));
      syncs++;
      fs.fdatasync(fd, (error) => {
        if (--syncs === 0 && closed) fs.closeSync(fd);
        done(error);
      });
    },
    get size() {
      return size;
    },
    close() {
      if (closed) return;
      closed = true;
      // A descriptor that is being synced must not become another file's.
      if (syncs === 0) fs.closeSync(fd);
    },
  };
}

/** What stands before the body. */
function frame(head: string, body: Uint8Array): Buffer {
  const length = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(FIXED + length);
  bytes.writeUInt32LE(length, 4);
  bytes.writeUInt32LE(body.length, 8);
  bytes.write(head, FIXED);
  const crc = zlib.crc32(bytes.subarray(4));
  // zlib takes no bytes for a wish to begin anew.
  bytes.writeUInt32LE(body.length === 0 ? crc : zlib.crc32(body, crc), 0);
  return bytes;
}

/** @returns how many bytes are whole records */
function parse(content: Buffer, on: OnRecord): number {
  let at = 0;
  while (at + FIXED <= content.length) {
    const from = at + FIXED;
    const middle = from + content.readUInt32LE(at + 4);
    const end = middle + content.readUInt32LE(at + 8);
    if (end > content.length || zlib.crc32(content.subarray(at + 4, end)) !== content.readUInt32LE(at)) break;
    on(content.toString('utf8', from, middle), content.subarray(middle, end));
    at = end;
  }
  return at;
}
