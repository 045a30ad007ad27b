import fs from 'node:fs';
import path from 'node:path';
import { errno, reason } from '../sys/errno.ts';
import { inDirectory } from '../sys/held-directory.ts';
import { look } from '../sys/look.ts';
import { type Contact, listContacts } from './contact.ts';

const { O_WRONLY, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Where the next `presence` file grows: always the same name, so that of a presenced that is killed one is left at most. */
export const unfinished = (file: string): string => path.join(path.dirname(file), '.tmp-presence');

/**
 * Empties the `presence` file of every contact: without a connection nothing is known of anybody. Done by presenced at
 * its start and its end, and by sj where presenced had no chance to.
 * @param warn told of each file that could not be emptied; the others are
 */
export function clearPresences(dir: string, warn: (message: string) => void): void {
  let contacts: Contact[] = [];
  try {
    contacts = listContacts(dir);
  } catch (error) {
    warn(`cannot read ${dir}: ${reason(error)}`);
  }
  for (const { name } of contacts) {
    const file = path.join(dir, name, 'presence');
    try {
      if (look(file) === undefined && look(unfinished(file)) === undefined) continue;
      inDirectory(path.join(dir, name), (held) => {
        const there = path.join(held, 'presence');
        emptyFile(there);
        const half = unfinished(there);
        if (look(half) !== undefined) fs.unlinkSync(half);
      });
    } catch (error) {
      // It has just gone, or become something else.
      if (!look(path.join(dir, name))?.isDirectory()) continue;
      warn(`cannot empty ${file}: ${reason(error)}`);
    }
  }
}

/**
 * Makes a file empty, if it is there and is not. In place and not by rename: no reader can see half of nothing, it
 * works on a full disk, and it costs half as much, which counts when thousands of contacts go offline at once.
 */
export function emptyFile(file: string): void {
  if ((fs.lstatSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  try {
    fs.closeSync(fs.openSync(file, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK));
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
  }
}
