/** Says in the place of a connection program that it was killed, which it could not do itself. */
import { setTimeout as wait } from 'node:timers/promises';
import { LockedError, takeLock } from '../sys/lock.ts';
import { KILLED, killedWhile, setState } from '../tree/account.ts';
import { logEvent } from '../tree/events.ts';

/** A killed process lets go of its pipes before the system tells that it is gone: so often, so many milliseconds apart. */
const TRIES = 20;
const PAUSE = 50;

/**
 * Writes into `state` that the program which held the account directory was killed, unless that program lives, has told
 * its end itself, or another one has taken its place. It is news and not data: nothing is thrown.
 * @param own the account's id
 */
export async function reportKill(dir: string, own: string): Promise<void> {
  for (let i = 0; i < TRIES && isInterrupted(dir); i++) {
    try {
      // Nobody else writes the state while we hold the lock.
      const lock = takeLock(dir);
      try {
        write(dir, own);
      } finally {
        lock.release();
      }
      return;
    } catch (error) {
      if (!(error instanceof LockedError)) return;
    }
    await wait(PAUSE);
  }
}

const isInterrupted = (dir: string): boolean => ['connecting', 'online'].includes(killedWhile(dir) ?? '');

function write(dir: string, own: string): void {
  const doing = killedWhile(dir);
  if (doing === 'online') logEvent(dir, 'offline', own, 'sj was killed', true);
  if (doing === 'online' || doing === 'connecting') setState(dir, `failed ${KILLED}`);
}
