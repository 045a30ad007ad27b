import fs from 'node:fs';
import path from 'node:path';

// A crash leaves temporary files behind, and in a container the next start may have the same pid.
const start = Date.now().toString(36);
let serial = 0;

/** A name beside `file` that nobody else uses and that no reader takes for anything. */
export const temporaryName = (file: string): string =>
  path.join(path.dirname(file), `.tmp-${process.pid}-${start}-${serial++}`);

/**
 * Replaces a file as a whole: a reader sees the old text or the new one, never a part. Mode 0600.
 * @throws on failure, leaving the old one
 */
export function replaceFile(file: string, text: string | Uint8Array): void {
  const temporary = temporaryName(file);
  try {
    fs.writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
