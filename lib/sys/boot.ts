import fs from 'node:fs';

/** What tells one run of the system from another; the same each time where that can't be known. */
export function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '-';
  }
}
