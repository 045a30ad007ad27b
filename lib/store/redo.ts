/**
 * A redo log: what is about to be appended to files is written down in one place first, so that after a crash or a power
 * failure it can be told which of it is missing, and no record of those files is lost, half there or twice. The state of
 * whoever writes stands beside it, as notes that nobody else looks into.
 *
 * The log is a file of records. When it has become large it begins anew: the old one is kept, as `NAME.old`, until
 * everything that it tells is on the disk. A kill at any point leaves one or the other or both, oldest first.
 */
import fs from 'node:fs';
import path from 'node:path';
import { bootId } from '../sys/boot.ts';
import { look } from '../sys/look.ts';
import { temporaryName } from '../sys/replace.ts';
import { syncAll } from '../sys/sync-all.ts';
import { openRecords, type Records } from './records.ts';
import { createReplay, type Entry, type Head, type RedoEvents } from './replay.ts';

export { type Entry, type RedoEvents, type Replayed, SpoiltLog } from './replay.ts';

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
  /**
   * Has everything that was written down, and is in the files, brought to the disk, and notes that: after a power failure
   * there will be no need to look, either. To be called when nothing more comes for a while.
   */
  settle(): void;
  /** Tells when what was written down until now will outlive a power failure, or why it may not. */
  sync(done: (error: Error | null) => void): void;
  /** It is so large that it should begin anew; and it can, because the old one is done with. */
  readonly ripe: boolean;
  /** Files are being brought to the disk; told when that is over. It can't begin anew until then. */
  readonly busy: boolean;
  /** It is so large that nothing should be added before it has begun anew. */
  readonly full: boolean;
  /** Told whenever an old log is done with, or it is not busy any more. */
  onReleased(listener: () => void): void;
  /**
   * Begins anew with a note that tells everything that notes have told.
   * @param entries what is not in the files yet
   * @throws on failure; then it goes on as it was
   */
  turn(note: unknown, entries: readonly Entry[], body: Uint8Array): void;
  close(): void;
};

/** Bytes from which it begins anew; and so many times as many are too many. */
const LARGE = 8 * 1_048_576;
const TOO_LARGE = 8;

/** Puts a log that is of no use out of the way: it becomes `NAME.spoilt`. @throws on failure */
export function putAside(dir: string, name: string): void {
  for (const file of [`${name}.old`, name].map((each) => path.join(dir, each)))
    if (fs.existsSync(file)) fs.renameSync(file, path.join(dir, `${name}.spoilt`));
}

/** @throws SpoiltLog; on failure */
export function openRedo(dir: string, name: string, on: RedoEvents, limit = LARGE): Redo {
  const file = path.join(dir, name);
  const old = `${file}.old`;
  const boot = bootId();
  const replay = createReplay(boot, on);
  /** The old log, until it is done with. */
  let previous = fs.existsSync(old) ? openRecords(old, replay.record) : null;
  let opened: Records | null = null;
  let missing: Map<string, Buffer>;
  try {
    opened = openRecords(file, replay.record);
    missing = replay.missing(dir);
  } catch (error) {
    previous?.close();
    opened?.close();
    throw error;
  }
  let records = opened;
  /** Files that were appended to since the log has begun. */
  let touched = replay.touched;
  let marked = false;
  /** How often something was written down. */
  let writes = 0;
  let settling = false;
  let synced = false;
  let closed = false;
  let released = () => {};

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
        try {
          if (error === null) fs.rmSync(old, { force: true });
        } catch {
          // It does no harm but to be read again at the next start.
        }
        // A power failure is not to bring it back.
        syncAll(dir, new Set(), () => released());
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
      writes++;
    },
    settle() {
      if (settling || closed || previous !== null || touched.size === 0) return;
      settling = true;
      const [files, before] = [touched, writes];
      touched = new Set();
      const quiet = () => writes === before;
      // No line is to reach the disk before what the log says of it.
      syncAll(dir, files, settled, quiet);
      function settled(): void {
        settling = false;
        if (closed) return;
        try {
          if (!quiet()) throw new Error('more was written');
          records.append(head({ a: 1, y: 1 }), NOTHING);
        } catch {
          for (const file of files) touched.add(file);
        }
        released();
      }
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
      return records.size > limit && previous === null && !settling;
    },
    get busy() {
      return previous !== null || settling;
    },
    get full() {
      return records.size > TOO_LARGE * limit;
    },
    onReleased(listener) {
      released = listener;
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

/** An entry for bytes that are still not in their file. */
export function keptEntry(dir: string, file: string, length: number): Entry {
  const stat = look(path.join(dir, file), true);
  return [file, stat?.ino ?? 0, stat?.size ?? 0, 0, length];
}
