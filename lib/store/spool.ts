/**
 * A file of lines that outlives whoever writes it: lines are appended, and now and then the file is replaced by what
 * still matters. Each line has a checksum (`seal.ts`). A line without its end was being written when the writer ended;
 * it does not count. A file in which no line has a checksum was written by an earlier version and is read as it is.
 */
import fs from 'node:fs';
import path from 'node:path';
import { writeAll } from '../sys/append.ts';
import { readRegular } from '../sys/read.ts';
import { temporaryName } from '../sys/replace.ts';
import { sealLines, splitLines, unseal } from './seal.ts';

export type Spool = {
  /** Appends text or bytes, which must be whole lines. @throws on failure; what was written then does not count */
  append(lines: string | Uint8Array): void;
  /** Tells when everything that was appended until now is on the disk, or why it is not. One call at a time runs. */
  sync(done: (error: Error | null) => void): void;
  /** Calls for each line that is there, without its end. @throws on failure */
  read(line: (text: Buffer) => void): void;
  /** The same from the last line on, until `line` says that it has enough. @throws on failure */
  readBack(line: (text: Buffer) => boolean): void;
  /** Replaces the whole content. @throws on failure; then the old one is still there */
  rewrite(lines: string | Uint8Array): void;
  /** Bytes in the file. */
  readonly size: number;
  /** How many lines were left out when it was opened, because their checksum was wrong. */
  readonly spoilt: number;
  /** Whether an earlier version wrote it, without checksums: it should be rewritten. */
  readonly old: boolean;
  /** Keeps the file as it is now under the name `NAME.spoilt`, if that can be. */
  putAside(): void;
  close(): void;
};

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR, O_TRUNC, O_EXCL, O_WRONLY } = fs.constants;

/**
 * Opens the file, or makes it.
 * @param line called for each line that is there, without its end
 * @throws on failure; if it is no regular file
 */
export function openSpool(file: string, line: (text: Buffer) => void): Spool {
  let fd = open();
  let old = false;
  let spoilt = 0;
  let size = load();
  /** Something was written since the last sync began. */
  let dirty = true;
  /** A failed append may have left a part of a line. */
  let torn = false;
  let syncing: ((error: Error | null) => void)[] | null = null;
  let waiting: ((error: Error | null) => void)[] = [];

  function open(): number {
    const opened = fs.openSync(file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    if (fs.fstatSync(opened).isFile()) return opened;
    fs.closeSync(opened);
    throw new Error('not a regular file');
  }

  function load(): number {
    const content = readRegular(file, false);
    const { lines, whole } = splitLines(content);
    old = lines.length > 0 && !lines.some((each) => unseal(each) !== null);
    for (const each of lines) {
      const plain = old ? each : unseal(each);
      if (plain === null) spoilt++;
      else line(plain);
    }
    if (whole < content.length) fs.ftruncateSync(fd, whole);
    return whole;
  }

  function run(): void {
    if (syncing !== null || waiting.length === 0) return;
    syncing = waiting;
    waiting = [];
    dirty = false;
    fs.fdatasync(fd, (error) => {
      const told = syncing ?? [];
      if (error !== null) dirty = true;
      syncing = null;
      for (const done of told) done(error);
      run();
    });
  }

  return {
    append(lines) {
      const bytes = sealLines(lines);
      if (torn) fs.ftruncateSync(fd, size);
      torn = dirty = true;
      writeAll(fd, bytes);
      torn = false;
      size += bytes.length;
    },
    sync(done) {
      if (!dirty && syncing === null) return done(null);
      waiting.push(done);
      run();
    },
    read(each) {
      for (const sealed of splitLines(readRegular(file, false)).lines) {
        const plain = unseal(sealed);
        if (plain !== null) each(plain);
      }
    },
    readBack(each) {
      const content = readRegular(file, false);
      let end = content.lastIndexOf(0x0a);
      while (end >= 0) {
        const feed = end === 0 ? -1 : content.lastIndexOf(0x0a, end - 1);
        const plain = unseal(content.subarray(feed + 1, end));
        if (plain !== null && each(plain)) return;
        end = feed;
      }
    },
    rewrite(lines) {
      const temporary = temporaryName(file);
      const bytes = sealLines(lines);
      const made = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_TRUNC, 0o600);
      try {
        writeAll(made, bytes);
        fs.fdatasyncSync(made);
        fs.renameSync(temporary, file);
        syncDirectory(path.dirname(file));
      } catch (error) {
        fs.rmSync(temporary, { force: true });
        throw error;
      } finally {
        fs.closeSync(made);
      }
      const before = fd;
      fd = open();
      size = bytes.length;
      torn = false;
      dirty = true;
      // A sync of the old one may be under way; descriptors are closed after it.
      if (syncing === null) fs.closeSync(before);
      else syncing.push(() => fs.closeSync(before));
    },
    get spoilt() {
      return spoilt;
    },
    get old() {
      return old;
    },
    putAside() {
      try {
        fs.rmSync(`${file}.spoilt`, { force: true });
        fs.linkSync(file, `${file}.spoilt`);
      } catch {
        // Whether it can be looked at later or not, the program goes on.
      }
    },
    get size() {
      return size;
    },
    close() {
      const last = fd;
      if (syncing === null) fs.closeSync(last);
      else syncing.push(() => fs.closeSync(last));
    },
  };
}

/** Without this a power failure could bring the old file back, and what was appended to the new one would be lost. */
function syncDirectory(dir: string): void {
  const fd = fs.openSync(dir, fs.constants.O_RDONLY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
