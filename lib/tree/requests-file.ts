/** `.requests`: who has asked to see own presence and was not answered, a bare JID a line. */
import fs from 'node:fs';
import path from 'node:path';
import { readRegular } from '../sys/read.ts';
import { replaceFile } from '../sys/replace.ts';

const FILE = '.requests';

/** Who has asked; nobody where there is no such file, or it can't be read. */
export function readRequests(dir: string): string[] {
  try {
    return readRegular(path.join(dir, FILE), false).toString().split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

/** Keeps them; the server names again in the next session whom this could not keep. */
export function writeRequests(dir: string, open: ReadonlySet<string>): void {
  const file = path.join(dir, FILE);
  try {
    if (open.size === 0) fs.rmSync(file, { force: true });
    else replaceFile(file, `${[...open].join('\n')}\n`);
  } catch {}
}
