import fs from 'node:fs';

/** How many descriptors this process may have open (RLIMIT_NOFILE); Infinity where the system doesn't tell. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
