/** One messaged at a time: a new one takes over from one that still holds the contacts' `in` open for it. */
import { setTimeout as pause } from 'node:timers/promises';
import { holderOf, type Lock, LockedError, takeLock } from '../sys/lock.ts';

/** The file of the lock. */
export const LOCK = '.messaged';
/** Held by who is about to take over: then the one before leaves in the FIFOs what is in them. */
const NEXT = '.messaged.next';

/** In milliseconds: between two looks, and how long one that was told to go may take. */
const LOOK = 10;
const PATIENCE = 3000;

/** Whether somebody is about to take over. */
export const hasSuccessor = (dir: string): boolean => isHolding(dir, NEXT);

/** Whether somebody has the lock. */
export const isHeld = (dir: string): boolean => isHolding(dir, LOCK);

function isHolding(dir: string, name: string): boolean {
  try {
    return holderOf(dir, name) !== null;
  } catch {
    return false;
  }
}

/**
 * Tells one that holds the files open for a successor that there will be none.
 * @returns its pid; null if there is nobody
 */
export function terminate(dir: string): number | null {
  const pid = holderOf(dir, LOCK);
  if (pid !== null) signal(pid, 'SIGTERM');
  return pid;
}

/**
 * Takes the lock, as soon as the one who has it ends, or is told to.
 * @param may whether it may be told to go now
 * @param stop aborted when it is not needed any more
 * @returns null if it was stopped
 * @throws what a file system may have against it
 */
export async function takeOver(dir: string, may: () => boolean, stop: AbortSignal): Promise<Lock | null> {
  let next: Lock | null = null;
  let told = 0;
  let since = 0;
  try {
    for (;;) {
      const lock = take(dir, LOCK);
      if (lock !== null || stop.aborted) return lock;
      const pid = may() ? holderOf(dir, LOCK) : null;
      next ??= pid === null ? null : take(dir, NEXT);
      if (pid !== null && next !== null) {
        if (pid !== told) {
          signal(pid, 'SIGTERM');
          told = pid;
          since = performance.now();
        } else if (performance.now() - since > PATIENCE) signal(pid, 'SIGKILL');
      }
      await pause(LOOK);
    }
  } finally {
    next?.release();
  }
}

/** It may have ended by itself just now. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {}
}

function take(dir: string, name: string): Lock | null {
  try {
    return takeLock(dir, name);
  } catch (error) {
    if (error instanceof LockedError) return null;
    throw error;
  }
}
