/**
 * One program at a time on an account directory. Node has no flock(2), so the lock is a file that names its holder by
 * pid and start time; it is made whole by link(2), which fails if there is one, and a holder that has died is seen by
 * what the kernel knows of that pid.
 */
import fs from 'node:fs';
import path from 'node:path';
import { errno } from './errno.ts';
import { readRegular } from './read.ts';
import { createFile, temporaryName } from './replace.ts';

export type Lock = {
  /** Whether it is still ours; two that took over a dead one's lock at once find out by this. */
  confirm(): boolean;
  release(): void;
};

export class LockedError extends Error {
  /** Who has it, for people. */
  readonly holder: string;

  constructor(holder: string) {
    super(`in use by ${holder}`);
    this.holder = holder;
  }
}

const TRIES = 20;

/**
 * @param name of the lock's file
 * @throws LockedError if a living program holds the directory
 */
export function takeLock(dir: string, name = '.lock'): Lock {
  const file = path.join(dir, name);
  const mine = `${process.pid} ${startTime(process.pid) ?? '-'}\n`;
  const ours = (look: (file: string) => string | null) => {
    try {
      return look(file) === mine;
    } catch (error) {
      // What stands there now is not what we have made; that there is nothing left to look with tells nothing.
      if (/^E[MN]FILE$/.test(errno(error))) throw error;
      return false;
    }
  };
  for (let i = 0; i < TRIES; i++) {
    if (createFile(file, mine)) {
      return {
        confirm: () => ours(settled),
        release: () => {
          if (ours(read)) fs.rmSync(file, { force: true });
        },
      };
    }
    const theirs = read(file);
    if (theirs === null) continue;
    if (alive(theirs)) throw new LockedError(`${process.title}, pid ${theirs.split(' ')[0]}`);
    remove(file, theirs);
  }
  throw new LockedError('somebody who takes and leaves it all the time');
}

/** The pid of the living program that holds a lock; null if there is none. @throws if that can't be told */
export function holderOf(dir: string, name: string): number | null {
  const holder = read(path.join(dir, name));
  return holder !== null && alive(holder) ? Number(holder.split(' ')[0]) : null;
}

/** Removes a dead one's lock, unless somebody has put theirs in its place meanwhile. */
function remove(file: string, stale: string): void {
  const aside = temporaryName(file);
  try {
    fs.renameSync(file, aside);
  } catch (error) {
    if (errno(error) === 'ENOENT') return;
    throw error;
  }
  if (read(aside) !== stale) {
    try {
      fs.linkSync(aside, file);
    } catch {}
  }
  fs.rmSync(aside, { force: true });
}

/** What is in the lock, given that somebody may just have it in hand to look whether it is a dead one's. */
function settled(file: string): string | null {
  for (let i = 0; i < TRIES; i++) {
    const text = read(file);
    if (text !== null) return text;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  return null;
}

function read(file: string): string | null {
  try {
    return readRegular(file, false).toString('latin1');
  } catch (error) {
    if (errno(error) === 'ENOENT') return null;
    throw error;
  }
}

function alive(holder: string): boolean {
  const [, pid, started] = /^(\d+) (\S+)\n$/.exec(holder) ?? [];
  if (pid === undefined) return false;
  // Our own pid is that of one who died before us, unless the lock is really ours.
  if (Number(pid) === process.pid) return started !== '-' && started === startTime(process.pid);
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (errno(error) === 'ESRCH') return false;
  }
  // One that has ended keeps its pid until its parent asks how, which the first process of a container may never do.
  const fields = procStat(Number(pid));
  return fields === null || (!/^[ZX]$/.test(fields[0]!) && (started === '-' || fields[19] === started));
}

/** When a process was started, in the kernel's ticks since boot: a pid is used again, the two together are not. */
const startTime = (pid: number): string | null => procStat(pid)?.[19] ?? null;

/** What the kernel says of a process after its name (proc(5)); null without /proc. */
function procStat(pid: number): string[] | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
