import fs from 'node:fs';
import { errno } from '../sys/errno.ts';
import { ONLINE, type Own, parseOwn } from './mypresence.ts';

/** Bytes that are looked at: a show and the longest status, each of its characters four bytes. */
const LIMIT = 8192;

const NOT_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

/** What `readOwn` returns for an empty file, and for no other. */
export const EMPTY: Own = { ...ONLINE };

/**
 * Reads a `mypresence` file.
 * @returns null if there is none
 * @throws Error if it can't be read, or is not a regular file
 */
export function readOwn(file: string): Own | null {
  try {
    // Most contacts have none; asking so is cheaper than an error that nobody looks at.
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    if (!stat.isFile()) throw new Error('not a regular file');
    const text = head(file);
    return text === '' ? EMPTY : parseOwn(text);
  } catch (error) {
    if (NOT_THERE.has(errno(error))) return null;
    throw error;
  }
}

function head(file: string): string {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(LIMIT);
    return bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, LIMIT, 0));
  } finally {
    fs.closeSync(fd);
  }
}
