/** Where a session would rather be resumed (XEP-0198 section 5, `location`): sj keeps it for who connects the next time. */
import fs from 'node:fs';
import path from 'node:path';
import { readRegular } from '../../sys/read.ts';
import { replaceFile } from '../../sys/replace.ts';

/** `{"account":"USER@DOMAIN","location":"HOST:PORT"}` */
const PLACE = '.session';

/** @param location as the server gave it; null removes what is there */
export function keepPlace(dir: string, account: string, location: string | null): void {
  const file = path.join(dir, PLACE);
  if (location === null) fs.rmSync(file, { force: true });
  else replaceFile(file, `${JSON.stringify({ account, location })}\n`);
}

/** What was kept for this account; null if there is nothing, or nothing that can be read. */
export function keptPlace(dir: string, account: string): string | null {
  try {
    const kept: unknown = JSON.parse(readRegular(path.join(dir, PLACE)).toString());
    if (typeof kept !== 'object' || kept === null || !('account' in kept && 'location' in kept)) return null;
    return kept.account === account && typeof kept.location === 'string' ? kept.location : null;
  } catch {
    return null;
  }
}
