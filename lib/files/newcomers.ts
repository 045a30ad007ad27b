/**
 * How many new contacts may come by themselves within an hour. The user's own list of contacts, in the file `.roster`,
 * tells who is none of these; the times of the others stand in the file `.newcomers`, so that no restart makes them
 * forgotten.
 */
import fs from 'node:fs';
import path from 'node:path';
import { appendRecord } from './append.ts';
import { replaceFile } from './replace.ts';

export const HOUR = 3_600_000;
const FILE = '.newcomers';
const ROSTER = '.roster';

/** Those of the times, in milliseconds, that lie within an hour of now; a clock that was set back does not hide any. */
export const withinHour = (times: readonly number[], now: number): number[] =>
  times.filter((time) => Math.abs(now - time) < HOUR);

export type Friends = {
  /** Whether the user's list has the contact. */
  has(id: string): boolean;
};

/** Reads the list anew whenever it has changed. */
export function openFriends(dir: string): Friends {
  const file = path.join(dir, ROSTER);
  let seen = '';
  let known: ReadonlySet<string> = new Set();
  return {
    has(id) {
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      const now = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
      if (now !== seen) known = new Set(lines(file));
      seen = now;
      return known.has(id);
    },
  };
}

/** Replaces the list. @throws on failure */
export function writeFriends(dir: string, ids: Iterable<string>): void {
  replaceFile(path.join(dir, ROSTER), Array.from(ids, (id) => `${id}\n`).join(''));
}

export const readFriends = (dir: string): string[] => lines(path.join(dir, ROSTER));

export type Newcomers = {
  /** Whether a new contact may come now; if so, it is counted. */
  admit(id: string): boolean;
};

/** @param most how many may come within an hour */
export function openNewcomers(dir: string, friends: Friends, most: number): Newcomers {
  const file = path.join(dir, FILE);
  /** Those that we have let in: what can't be written must count, too. */
  let ours: number[] = [];
  /** Until then there is no need to look. */
  let full = 0;

  function count(now: number): void {
    ours = [...withinHour(ours, now), now];
    try {
      const all = lines(file).map(Number);
      const late = withinHour(all, now);
      // It is short; who else writes it at this very moment may lose one.
      if (all.length > 2 * late.length + 64) replaceFile(file, late.map((time) => `${time}\n`).join(''));
      appendRecord(file, `${now}\n`);
    } catch {}
  }

  return {
    admit(id) {
      if (friends.has(id)) return true;
      const now = Date.now();
      if (now < full && full - now < HOUR) return false;
      const written = withinHour(lines(file).map(Number), now);
      const times = written.length > ours.length ? written : withinHour(ours, now);
      if (times.length >= most) {
        // Another look is worth it when the first of the last `most` is an hour old; and now and then, if there is none.
        full = most > 0 ? times.sort((a, b) => a - b).at(-most)! + HOUR : now + HOUR;
        return false;
      }
      count(now);
      return true;
    },
  };
}

function lines(file: string): string[] {
  try {
    return fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}
