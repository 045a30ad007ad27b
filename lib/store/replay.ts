/** What the records of a redo log say, and what of it is missing in the files. */
import fs from 'node:fs';
import path from 'node:path';
import { errno } from '../sys/errno.ts';

/**
 * What is about to be appended: the next `length` bytes of the body, to a file that is `ino` (0: there is none) and has
 * `size` bytes, behind `kept` bytes that were written down before and are not in it yet.
 */
export type Entry = readonly [file: string, ino: number, size: number, kept: number, length: number];

export type Replayed = { readonly file: string; readonly bytes: Buffer };

export type RedoEvents = {
  /** For each record that is there, oldest first: its note, and what it was about to append. */
  record(note: unknown, appended: readonly Replayed[]): void;
};

export type Head = {
  /** The entries. */
  w?: readonly Entry[];
  /** What stands before this record is in the files. */
  a?: 1;
  /** Its entries were written down before, and are still not in the files. */
  k?: 1;
  /** What stands before this record is on the disk, too, so that not even a power failure takes it away. */
  y?: 1;
  /** When the system that wrote it was booted: after a power failure its caches are gone. */
  b?: string;
  /** The note. */
  n?: unknown;
};

/** The log holds what was never written into it, though its checksums are right. */
export class SpoiltLog extends Error {}

/** @throws TypeError if it is none */
function readHead(text: string): Head {
  const head: unknown = JSON.parse(text);
  if (typeof head !== 'object' || head === null) throw new TypeError('no head');
  if ('w' in head && !(Array.isArray(head.w) && head.w.every(isEntry))) throw new TypeError('no entries');
  return head;
}

const isEntry = (entry: unknown): boolean =>
  Array.isArray(entry) && isInside(entry[0]) && entry.length === 5 && entry.slice(1).every(isSize);

const isSize = (n: unknown): boolean => Number.isSafeInteger(n) && Number(n) >= 0;

/** Whether a path stays in the directory that it is relative to. */
const isInside = (file: unknown): boolean =>
  typeof file === 'string' &&
  /^[^/\0][^\0]*$/.test(file) &&
  path.normalize(file) === file &&
  !/^\.\.?(\/|$)/.test(file);

const NOTHING = Buffer.alloc(0);

/** Bytes at the end of a file that are looked through: more than a log has. */
const MOST = 64 * 1_048_576;

type Wanted = {
  ino: number;
  offset: number;
  length: number;
  parts: Buffer[];
  /** There was no such file: a power failure may have taken it away as a whole. */
  readonly created: boolean;
};

/** Goes through the records and finds out what has to be looked for in the files. */
export function createReplay(boot: string, on: RedoEvents) {
  const touched = new Set<string>();
  let wanted = new Map<string, Wanted>();
  let last: string | undefined;
  let open = false;

  function want([file, ino, size, kept, length]: Entry, bytes: Buffer, again: boolean): void {
    const known = wanted.get(file);
    if (known !== undefined && again && ends(known.parts, bytes)) return;
    if (known !== undefined && (known.ino === 0 || ino === known.ino) && size >= known.offset + known.length - kept) {
      known.ino = ino;
      known.parts.push(bytes);
      known.length += length;
      return;
    }
    // It is another file now: what the one before has got went away with it.
    const before = known === undefined ? NOTHING : Buffer.concat(known.parts);
    const parts = [before.subarray(before.length - Math.min(kept, before.length)), bytes];
    wanted.set(file, { ino, offset: size, length: parts[0]!.length + length, parts, created: ino === 0 });
  }

  /** @throws SpoiltLog */
  function record(text: string, body: Buffer): void {
    try {
      take(readHead(text), body);
    } catch {
      throw new SpoiltLog('it holds what was never written into it');
    }
  }

  function take({ w = [], a, k, y, b, n }: Head, body: Buffer): void {
    if (b !== undefined) last = b;
    // Of what was done before the last boot nothing is sure to have reached the disk, unless that was seen to.
    if (y || (a && last === boot)) wanted = new Map();
    if (y) touched.clear();
    if (a) open = false;
    let at = 0;
    const appended: Replayed[] = [];
    for (const entry of w) {
      const bytes = body.subarray(at, (at += entry[4]));
      want(entry, bytes, k === 1);
      touched.add(entry[0]);
      open = true;
      if (!k) appended.push({ file: entry[0], bytes });
    }
    on.record(n, appended);
  }

  return {
    record,
    touched,
    get boot() {
      return last;
    },
    /** Whether anything may have to be appended. */
    get open() {
      return open;
    },
    missing(dir: string): Map<string, Buffer> {
      const found = new Map<string, Buffer>();
      for (const [file, what] of wanted) {
        const place = path.join(dir, file);
        if (last !== boot && !what.created && isChanged(place, what)) continue;
        const rest = missingOf(place, what);
        if (rest.length > 0) found.set(file, rest);
      }
      return found;
    },
  };
}

function ends(parts: readonly Buffer[], bytes: Buffer): boolean {
  const all = Buffer.concat(parts);
  return all.subarray(Math.max(0, all.length - bytes.length)).equals(bytes);
}

/**
 * Whether a file that was there is gone, is another one or has been emptied. No power failure does that; the user has
 * removed, moved or emptied it, and what stood in it is not to come back.
 */
function isChanged(file: string, { ino, offset }: Wanted): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat === undefined || stat.ino !== ino || stat.size < offset;
}

/** What of the texts is not in the file. */
function missingOf(file: string, { ino, offset, parts }: Wanted): Buffer {
  const all = Buffer.concat(parts);
  const there = tailOf(file, ino, offset);
  if (there.length <= all.length && all.subarray(0, there.length).equals(there)) return all.subarray(there.length);
  // Somebody else has written there, too.
  const missing: Buffer[] = [];
  let from = 0;
  for (const part of parts) {
    const at = there.indexOf(part, from);
    if (at < 0) missing.push(part);
    else from = at + part.length;
  }
  return Buffer.concat(missing);
}

/** What a file holds from an offset on; all of it if it is another file than it was, or has become smaller. */
function tailOf(file: string, ino: number, offset: number): Buffer {
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (/^(ENOENT|ENOTDIR|ELOOP|ENXIO)$/.test(errno(error))) return NOTHING;
    throw error;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return NOTHING;
    const from = Math.max(stat.ino === ino && stat.size >= offset ? offset : 0, stat.size - MOST);
    const bytes = Buffer.allocUnsafe(stat.size - from);
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, from));
  } finally {
    fs.closeSync(fd);
  }
}
