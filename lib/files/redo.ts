/**
 * A redo log: what is about to be appended to files is written down in one place first, so that after a crash or a power
 * failure it can be told which of it is missing, and no record of those files is lost, half there or twice. The state of
 * whoever writes stands beside it, as notes that nobody else looks into.
 *
 * The log is a file of records. When it has become large it begins anew: the old one is kept, as `NAME.old`, until
 * everything that it tells is on the disk. A kill at any point leaves one or the other or both, oldest first.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { errno } from '../cli/die.ts';
import { bootId } from './boot.ts';
import { openRecords, type Records } from './records.ts';
import { temporaryName } from './replace.ts';

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

export type Redo = {
  /** What was written down and is missing in the files, by path. Whoever opens the log sees to it that it is appended. */
  readonly missing: ReadonlyMap<string, Buffer>;
  /**
   * Writes down what is about to be appended. Paths are relative to the directory.
   * @param applied whether everything that was written down before is in the files
   * @throws on failure; then nothing was written down
   */
  write(entries: readonly Entry[], body: Uint8Array, note: unknown, applied: boolean): void;
  /** Everything that was written down is in the files: after a crash there will be no need to look. */
  applied(): void;
  /** Tells when what was written down until now will outlive a power failure, or why it may not. */
  sync(done: (error: Error | null) => void): void;
  /** It is so large that it should begin anew; and it can, because the old one is done with. */
  readonly ripe: boolean;
  /** It is so large that nothing should be added before it has begun anew. */
  readonly full: boolean;
  /**
   * Begins anew with a note that tells everything that notes have told.
   * @param entries what is not in the files yet
   * @throws on failure; then it goes on as it was
   */
  turn(note: unknown, entries: readonly Entry[], body: Uint8Array): void;
  close(): void;
};

/** Bytes from which it begins anew, and bytes that are too many. */
const LARGE = 8 * 1_048_576;
const MOST = 8 * LARGE;

/** So many files are synced one by one; where there are more, the whole file system is. */
const FEW = 64;

type Head = {
  /** The entries. */
  w?: readonly Entry[];
  /** What stands before this record is in the files. */
  a?: 1;
  /** Its entries were written down before, and are still not in the files. */
  k?: 1;
  /** When the system that wrote it was booted: after a power failure its caches are gone. */
  b?: string;
  /** The note. */
  n?: unknown;
};

/** @throws on failure */
export function openRedo(dir: string, name: string, on: RedoEvents, limit = LARGE): Redo {
  const file = path.join(dir, name);
  const old = `${file}.old`;
  const boot = bootId();
  const replay = createReplay(boot, on);
  /** The old log, until it is done with. */
  let previous = fs.existsSync(old) ? openRecords(old, replay.record) : null;
  let records: Records;
  try {
    records = openRecords(file, replay.record);
  } catch (error) {
    previous?.close();
    throw error;
  }
  /** Files that were appended to since the log has begun. */
  let touched = replay.touched;
  const missing = replay.missing(dir);
  let marked = false;
  let synced = false;
  let closed = false;

  const head = (content: Head): string => JSON.stringify(content);
  if (records.size === 0 || replay.boot !== boot || replay.open) {
    const rest = [...missing].map(([where, bytes]) => keptEntry(dir, where, bytes.length));
    records.append(head({ b: boot, a: 1, k: 1, w: rest }), Buffer.concat([...missing.values()]));
  }
  if (previous !== null) release(touched);
  else syncAll(dir, new Set(), () => {});

  /** Does away with the old log once all that it tells is on the disk. */
  function release(files: ReadonlySet<string>): void {
    syncAll(dir, files, () =>
      records.sync((error) => {
        if (closed) return;
        previous?.close();
        previous = null;
        if (error !== null) return;
        try {
          fs.rmSync(old, { force: true });
        } catch {
          // It does no harm but to be read again at the next start.
        }
      }),
    );
  }

  return {
    missing,
    write(entries, body, note, applied) {
      records.append(head({ w: entries, ...(applied && { a: 1 }), n: note }), body);
      for (const [where] of entries) touched.add(where);
      marked = false;
      synced = false;
    },
    applied() {
      if (marked) return;
      records.append(head({ a: 1 }), NOTHING);
      marked = true;
    },
    sync(done) {
      if (synced) return done(null);
      synced = true;
      const told = (error: Error | null) => {
        if (error !== null) synced = false;
        done(error);
      };
      if (previous === null) records.sync(told);
      else previous.sync((error) => (error === null ? records.sync(told) : told(error)));
    },
    get ripe() {
      return records.size > limit && previous === null;
    },
    get full() {
      return records.size > MOST;
    },
    turn(note, entries, body) {
      const temporary = temporaryName(file);
      const begun = openRecords(temporary);
      try {
        begun.append(head({ b: boot, a: 1, k: 1, w: entries, n: note }), body);
        fs.renameSync(file, old);
        fs.renameSync(temporary, file);
      } catch (error) {
        begun.close();
        if (!fs.existsSync(file)) fs.renameSync(old, file);
        fs.rmSync(temporary, { force: true });
        throw error;
      }
      previous = records;
      records = begun;
      synced = false;
      const files = touched;
      touched = new Set(entries.map(([where]) => where));
      release(files);
    },
    close() {
      closed = true;
      records.close();
      previous?.close();
      previous = null;
    },
  };
}

const NOTHING = Buffer.alloc(0);

type Wanted = { ino: number; offset: number; length: number; parts: Buffer[] };

/** Goes through the records and finds out what has to be looked for in the files. */
function createReplay(boot: string, on: RedoEvents) {
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
    wanted.set(file, { ino, offset: size, length: parts[0]!.length + length, parts });
  }

  function record(text: string, body: Buffer): void {
    const { w = [], a, k, b, n } = JSON.parse(text) as Head;
    if (b !== undefined) last = b;
    // Of what was done before the last boot nothing is sure to have reached the disk.
    if (a && last === boot) wanted = new Map();
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
        const rest = missingOf(path.join(dir, file), what);
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
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return NOTHING;
    throw error;
  }
  try {
    const stat = fs.fstatSync(fd);
    const from = Math.max(stat.ino === ino && stat.size >= offset ? offset : 0, stat.size - MOST);
    const bytes = Buffer.allocUnsafe(stat.size - from);
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, from));
  } finally {
    fs.closeSync(fd);
  }
}

/** An entry for bytes that are still not in their file. */
export function keptEntry(dir: string, file: string, length: number): Entry {
  const stat = fs.statSync(path.join(dir, file), { throwIfNoEntry: false });
  return [file, stat?.ino ?? 0, stat?.size ?? 0, 0, length];
}

/** Calls when the files are on the disk, and that they are there; one that has gone has nothing to be kept. */
function syncAll(dir: string, files: ReadonlySet<string>, done: () => void): void {
  if (files.size > FEW) {
    execFile('sync', ['-f', dir], (error) => (error === null ? done() : oneByOne()));
    return;
  }
  oneByOne();

  function oneByOne(): void {
    const places = new Set<string>([dir]);
    for (const file of files) {
      places.add(path.join(dir, file));
      places.add(path.dirname(path.join(dir, file)));
    }
    const queue = [...places];
    const next = () => {
      const place = queue.pop();
      if (place === undefined) return done();
      fs.open(place, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK, (failed, fd) => {
        if (failed) return next();
        fs.fsync(fd, () => fs.close(fd, next));
      });
    };
    next();
  }
}
