import { sweep } from '../../sys/replace.ts';
import { killedWhile, setState } from '../../tree/account.ts';
import { logEvent } from '../../tree/events.ts';
import { clearPresences } from '../../tree/presence-file.ts';

/**
 * If the last sj on the directory was killed, says so in its place: nobody is known to be there, and we are not, either.
 * What it was about to write goes.
 * @param account the bare JID
 */
export function tidyAfterKill(dir: string, account: string, warn: (message: string) => void): void {
  const interrupted = killedWhile(dir);
  if (interrupted === null) return;
  clearPresences(dir, warn);
  sweep(dir);
  if (interrupted === 'online') logEvent(dir, 'offline', account, 'sj was killed', true);
  setState(dir, 'offline');
}
