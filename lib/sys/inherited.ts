/**
 * What was handed to us on a descriptor. It can't be asked by trying: Node opens pipes of its own at start, and they
 * land on the lowest free numbers, so a program run without descriptors 6 and 7 would talk to itself on Node's.
 */

import { fstatSync, readdirSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

export type Handed = 'socket' | 'fifo' | 'file' | 'char' | 'tty';

/**
 * The kind of thing that our parent left open on `fd`, or null if there is nothing, or nothing to read or write
 * (a directory), or if it is Node's own. To be asked at start, before anything else is opened.
 *
 * Node's own are event queues, which have no file type, and pipes of which both ends are in this process. So a pipe
 * that somebody hands us with both its ends is taken for Node's: it would lead from us to us anyway.
 * Without /proc/self/fdinfo (outside Linux) each pipe counts as handed to us.
 */
export function inherited(fd: number): Handed | null {
  const stat = look(fd);
  if (stat === null) return null;
  if (stat.isSocket()) return 'socket';
  if (stat.isFile()) return 'file';
  if (stat.isCharacterDevice()) return isatty(fd) ? 'tty' : 'char';
  if (!stat.isFIFO()) return null;
  const mode = accessMode(fd);
  if (mode === null) return 'fifo';
  for (const name of readdirSync('/proc/self/fd')) {
    const other = Number(name);
    if (other === fd) continue;
    const its = look(other);
    if (its?.isFIFO() && its.ino === stat.ino && its.dev === stat.dev && accessMode(other) !== mode) return null;
  }
  return 'fifo';
}

function look(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return null;
  }
}

/** O_RDONLY, O_WRONLY or O_RDWR of an open descriptor; null where the system doesn't tell. */
function accessMode(fd: number): number | null {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return flags === undefined ? null : Number.parseInt(flags, 8) & 3;
  } catch {
    return null;
  }
}
