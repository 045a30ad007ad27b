/** Tells of a directory that is no contact's in the directory itself, where who writes into it looks. */
import fs from 'node:fs';
import path from 'node:path';
import { appendRecord } from '../sys/append.ts';
import { errno, reason } from '../sys/errno.ts';
import { look } from '../sys/look.ts';
import { printable } from '../sys/printable.ts';
import { readRegular } from '../sys/read.ts';
import { logEvent } from './events.ts';

/** Bytes at the end of `out` in which the same is looked for. */
const TAIL = 4096;

/**
 * Adds a notice to the `out` of a directory, unless it is the last thing there, and to `events`.
 * @param notice the line for `out`
 * @param text what it says, for `events`
 */
export function tellMisnamed(dir: string, name: string, notice: string, text: string): void {
  logEvent(dir, 'error', '', printable(text));
  const place = path.join(dir, name);
  const file = path.join(place, 'out');
  try {
    if (!look(place)?.isDirectory() || lastLine(file).endsWith(text)) return;
    appendRecord(file, notice);
  } catch (error) {
    logEvent(dir, 'error', '', printable(`${file}: ${reason(error)}`));
  }
}

function lastLine(file: string): string {
  try {
    const size = fs.statSync(file).size;
    if (size > 1_048_576) return '';
    return readRegular(file).subarray(-TAIL).toString().trimEnd().split('\n').at(-1) ?? '';
  } catch (error) {
    if (errno(error) === 'ENOENT') return '';
    throw error;
  }
}
