import fs from 'node:fs';
import path from 'node:path';
import { errno } from './errno.ts';

// A crash leaves temporary files behind, and in a container the next start may have the same pid.
const start = Date.now().toString(36);
let serial = 0;

/** A name beside `file` that nobody else uses and that no reader takes for anything. */
export const temporaryName = (file: string): string =>
  path.join(path.dirname(file), `.tmp-${process.pid}-${start}-${serial++}`);

const TEMPORARY = /^\.tmp-(\d+)-([0-9a-z]+)-\d+$/;

/**
 * Replaces a file as a whole: a reader sees the old text or the new one, never a part. Mode 0600.
 * @param temporary where the new one grows, in the same directory
 * @throws on failure, leaving the old one
 */
export function replaceFile(file: string, text: string | Uint8Array, temporary = temporaryName(file)): void {
  try {
    fs.writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Makes a file as a whole, if nothing has its name. Mode 0600.
 * @param temporary where it grows, on the same file system
 * @returns false if something has
 * @throws on failure, leaving nothing
 */
export function createFile(file: string, text: string, temporary = temporaryName(file)): boolean {
  fs.writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
  try {
    fs.linkSync(temporary, file);
    return true;
  } catch (error) {
    if (errno(error) === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/**
 * Removes what programs that were killed have left in a directory: temporary files of processes that are no more. One
 * that can't be removed stays for the next time.
 */
export function sweep(dir: string): void {
  for (const name of attempt(() => fs.readdirSync(dir)) ?? []) {
    const [, pid, begun] = TEMPORARY.exec(name) ?? [];
    if (pid !== undefined && !lives(Number(pid), begun!)) attempt(() => fs.unlinkSync(path.join(dir, name)));
  }
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

function lives(pid: number, begun: string): boolean {
  if (pid === process.pid) return begun === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errno(error) !== 'ESRCH';
  }
}
