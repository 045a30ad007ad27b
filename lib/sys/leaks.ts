/**
 * Descriptors that whoever started us has left open beyond those that Node marks as its own business: every program that
 * we start would have them, too, the one with the password among them.
 */
import type { StdioOptions } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';

const CLOEXEC = 0o2000000;

type Stdio = Exclude<StdioOptions, string>;

let cover: Stdio | undefined;

/** What `spawn` takes as `stdio`, with /dev/null in the place of everything that should not be passed on. */
export function withoutLeaks(stdio: Stdio): Stdio {
  cover ??= leaks();
  return cover.length <= stdio.length ? stdio : [...stdio, ...cover.slice(stdio.length)];
}

/** Sparse, by number. Nothing where the system doesn't tell (outside Linux). */
function leaks(): Stdio {
  const found: Stdio = [];
  let none = -1;
  try {
    for (const name of readdirSync('/proc/self/fd')) {
      const fd = Number(name);
      if (fd <= 2 || !passesOn(fd)) continue;
      if (none < 0) none = openSync('/dev/null', 'r+');
      while (found.length < fd) found.push('ignore');
      found[fd] = none;
    }
  } catch {}
  return found;
}

function passesOn(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOEXEC) === 0;
  } catch {
    // It was the one that the directory was read with.
    return false;
  }
}
