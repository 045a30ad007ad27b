/** The rooms of a session, kept in `.rooms` for the sj that goes on with it. */
import fs from 'node:fs';
import path from 'node:path';
import { readRegular } from '../../sys/read.ts';
import { replaceFile } from '../../sys/replace.ts';

const FILE = '.rooms';

type Pair = readonly [string, string];

const isPair = (value: unknown): value is Pair =>
  Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');

/** The rooms and own nicks that were kept for a session; none if they are those of another one. */
export function readRooms(dir: string, session: string): Pair[] {
  try {
    const value: unknown = JSON.parse(readRegular(path.join(dir, FILE), false).toString());
    if (!Array.isArray(value) || value[0] !== session || !Array.isArray(value[1])) return [];
    return value[1].filter(isPair);
  } catch {
    return [];
  }
}

/** Keeps them; what can't be kept is joined again by the user after sj has been replaced. */
export function writeRooms(dir: string, session: string, rooms: ReadonlyMap<string, string>): void {
  const file = path.join(dir, FILE);
  try {
    if (rooms.size === 0) fs.rmSync(file, { force: true });
    else replaceFile(file, `${JSON.stringify([session, [...rooms]])}\n`);
  } catch {}
}
