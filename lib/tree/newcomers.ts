/**
 * How many new contacts may come by themselves within an hour. The user's own list of contacts, in the file `.roster`,
 * tells who is none of these; the times of the others stand in the file `.newcomers`, so that no restart makes them
 * forgotten.
 */
import fs from 'node:fs';
import path from 'node:path';
import { appendRecord } from '../sys/append.ts';
import { readRegular } from '../sys/read.ts';
import { replaceFile } from '../sys/replace.ts';

export const HOUR = 3_600_000;
const FILE = '.newcomers';
const ROSTER = '.roster';

/** Those of the times, in milliseconds, that lie within an hour of now; a clock that was set back does not hide any. */
export const withinHour = (times: readonly number[], now: number): number[] =>
  times.filter((time) => Math.abs(now - time) < HOUR);

export type Friends = {
  /** Whether the user's list has the contact. */
  has(id: string): boolean;
  /** The word that stands beside the contact there, such as the kind of a subscription; undefined if there is none. */
  word(id: string): string | undefined;
};

/** Reads the list anew whenever it has changed. */
export function openFriends(dir: string): Friends {
  const file = path.join(dir, ROSTER);
  let seen = '';
  let known: ReadonlyMap<string, string> = new Map();
  function look(): ReadonlyMap<string, string> {
    const now = state(file);
    if (now !== seen) known = readFriends(dir);
    seen = now;
    return known;
  }
  return { has: (id) => look().has(id), word: (id) => look().get(id) };
}

/** Replaces the list: each contact with a word beside it. @throws on failure */
export function writeFriends(dir: string, friends: Iterable<readonly [id: string, word: string]>): void {
  replaceFile(path.join(dir, ROSTER), Array.from(friends, ([id, word]) => `${id}\t${word}\n`).join(''));
}

export function readFriends(dir: string): Map<string, string> {
  return new Map(
    lines(path.join(dir, ROSTER)).map((line) => {
      const [id = '', word = ''] = line.split('\t');
      return [id, word];
    }),
  );
}

export type Newcomers = {
  /** Whether a new contact may come now; if so, it is counted. */
  admit(id: string): boolean;
};

/** @param most how many may come within an hour */
export function openNewcomers(dir: string, friends: Pick<Friends, 'has'>, most: number): Newcomers {
  const file = path.join(dir, FILE);
  /** The times, as far as they count; and the file that they are in, as it was then. */
  let times: number[] = [];
  let seen = '';
  /** Those that could not be written. */
  let unwritten: number[] = [];
  /** Until then there is no need to look. */
  let full = 0;

  /** @returns what there is */
  function look(now: number): fs.Stats | undefined {
    const stat = statOf(file);
    const there = stateOf(stat);
    if (there !== seen) times = lines(file).map(Number);
    seen = there;
    const all = times.length;
    // The first is the oldest; a clock that was set back is seen by the last.
    if (all > 0 && withinHour([times[0]!, times[all - 1]!], now).length < 2) times = withinHour(times, now);
    unwritten = withinHour(unwritten, now);
    // It is short; who else writes it at this very moment may lose one.
    const long = all > 2 * times.length + 64;
    if (!long || !attempt(() => replaceFile(file, times.map((time) => `${time}\n`).join('')))) return stat;
    seen = state(file);
    return statOf(file);
  }

  /** @param stat what has just been seen */
  function count(now: number, stat: fs.Stats | undefined): void {
    const write = stat?.isSymbolicLink() ? replaceFile : appendRecord;
    const text = `${now}\n`;
    if (!attempt(() => write(file, text))) return void unwritten.push(now);
    times.push(now);
    // Else somebody else has written, too, and it is to be read anew.
    const after = statOf(file);
    if (after?.size === (stat?.size ?? 0) + text.length) seen = stateOf(after);
  }

  return {
    admit(id) {
      if (friends.has(id)) return true;
      const now = Date.now();
      if (now < full && full - now < HOUR) return false;
      const stat = look(now);
      if (times.length + unwritten.length >= most) {
        // Another look is worth it when one of these is an hour old.
        full = times.concat(unwritten).reduce((first, time) => Math.min(first, time), now) + HOUR;
        return false;
      }
      count(now, stat);
      return true;
    },
  };
}

/** What there is; undefined where there is nothing, or nobody may look. */
function statOf(file: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** What tells a file from what it was. */
const state = (file: string): string => stateOf(statOf(file));

function stateOf(stat: fs.Stats | undefined): string {
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

function attempt(what: () => void): boolean {
  try {
    what();
    return true;
  } catch {
    return false;
  }
}

function lines(file: string): string[] {
  try {
    return readRegular(file, false).toString().split('\n').slice(0, -1);
  } catch {
    return [];
  }
}
