/**
 * Appending to many files, some of them all the time: those used last stay open. Before each use the path is looked at,
 * so a file that was moved away or removed, with its directory or without, is noticed and made again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { openAppend, writeAll } from '../sys/append.ts';
import { inDirectory } from '../sys/held-directory.ts';
import { look } from '../sys/look.ts';

/** What a path leads to; null stands for nothing. */
export type Seen = { readonly ino: number; readonly dev: number; readonly size: number } | null;

export type FdCache = {
  /** Looks at a path. @throws if that can't be told */
  look(file: string): Seen;
  /**
   * Appends with one write where the system takes it so. An existing link is followed, none is created through.
   * @param seen what `look` has just said
   * @throws as `appendRecord`
   */
  append(file: string, seen: Seen, bytes: Uint8Array): void;
  close(): void;
};

type Open = { readonly fd: number; readonly ino: number; readonly dev: number };

/**
 * @param room how many files may be open at this moment
 * @param root the account directory; a directory in it that has become a link is not followed
 */
export function createFdCache(room: () => number, root: string): FdCache {
  /** The file used last comes last. */
  const open = new Map<string, Open>();

  function shut(file: string): void {
    const { fd } = open.get(file)!;
    open.delete(file);
    fs.closeSync(fd);
  }

  function take(file: string, seen: Seen): Open {
    const known = open.get(file);
    if (known !== undefined && known.ino === seen?.ino && known.dev === seen.dev) {
      open.delete(file);
      open.set(file, known);
      return known;
    }
    if (known !== undefined) shut(file);
    const most = Math.max(room() - 1, 0);
    while (open.size > most) shut(open.keys().next().value!);
    const fd = openIn(path.dirname(file), path.basename(file));
    const { ino, dev } = fs.fstatSync(fd);
    const made = { fd, ino, dev };
    open.set(file, made);
    return made;
  }

  /** A link in the place of a contact's directory would lead its files anywhere. */
  function openIn(parent: string, name: string): number {
    if (parent === root) return openAppend(path.join(parent, name));
    try {
      return inDirectory(parent, (held) => openAppend(path.join(held, name)));
    } catch (error) {
      if (!look(parent)?.isSymbolicLink()) throw error;
      throw Object.assign(new Error('its directory is a symbolic link'), { code: 'ENOTDIR' });
    }
  }

  return {
    look(file) {
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? null : { ino: stat.ino, dev: stat.dev, size: stat.size };
    },
    append(file, seen, bytes) {
      const { fd } = take(file, seen);
      try {
        writeAll(fd, bytes);
      } catch (error) {
        shut(file);
        throw error;
      }
      if (room() < 1) shut(file);
    },
    close() {
      for (const file of [...open.keys()]) shut(file);
    },
  };
}
