/** The account directory as a whole: that it is there, that it is ours alone, and the one line of state it shows. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EXIT, Fatal } from '../cli/exit.ts';
import { errno, reason } from '../sys/errno.ts';
import { type Lock, LockedError, takeLock } from '../sys/lock.ts';
import { mkfifos } from '../sys/mkfifo.ts';
import { printable } from '../sys/printable.ts';
import { readRegular } from '../sys/read.ts';
import { replaceFile } from '../sys/replace.ts';
import { isTransient } from '../sys/transient.ts';

/** The directory that a program works on: option `-d`, else SJ_DIR, else `./xmpp`. */
export const accountDir = (option: string | undefined): string => option ?? (process.env.SJ_DIR || 'xmpp');

/** What is wanted of a directory: to be there, to be made if it is not, or to be that of an account already. */
export type Want = 'there' | 'makeable' | 'account';

/**
 * Looks whether a directory can be the account directory, in the same words for all programs.
 * @throws Fatal 100 that says why it can't be
 */
export function checkDirectory(dir: string, want: Want = 'there'): void {
  const refused = (why: string) => new Fatal(EXIT.usage, `cannot open ${dir}: ${why}`);
  try {
    if (!fs.statSync(dir).isDirectory()) throw refused('not a directory');
    fs.accessSync(dir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    if (error instanceof Fatal) throw error;
    if (errno(error) === 'ENOENT' && want === 'makeable') return;
    // That of a disk that is read-only for now is ours even so.
    if (errno(error) !== 'EROFS') throw refused(reason(error));
  }
  if (want === 'account' && kind(path.join(dir, 'in')) === 'nothing')
    throw refused('not an account directory, for it has no in');
}

/**
 * Makes the directory if it is not there, locks it, and sees to its `in`.
 * @param warn told of what is allowed and unwise
 * @param name of the lock
 * @throws Fatal 100 if it is not usable or somebody else holds it; 111 where that may pass
 */
export async function openAccount(dir: string, warn: (message: string) => void, name = '.lock'): Promise<Lock> {
  checkDirectory(dir, 'makeable');
  try {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Fatal(code(error), `cannot make ${dir}: ${reason(error)}`);
  }
  checkAccess(dir, warn);
  let lock: Lock;
  try {
    lock = await takeLockSoon(dir, name);
  } catch (error) {
    if (error instanceof LockedError) throw new Fatal(EXIT.usage, `${dir} is in use by ${error.holder}`);
    throw new Fatal(code(error), `cannot lock ${dir}: ${reason(error)}`);
  }
  const fifo = path.join(dir, 'in');
  try {
    if (kind(fifo) === 'nothing') await mkfifos([fifo]);
    if (kind(fifo) !== 'fifo') throw new Fatal(EXIT.usage, `cannot open ${fifo}: not a FIFO`);
  } catch (error) {
    lock.release();
    throw error instanceof Fatal ? error : new Fatal(code(error), `cannot make ${fifo}: ${reason(error)}`);
  }
  return lock;
}

/** A daemon that tells of a killed program holds the lock for a moment: so often, so many milliseconds apart. */
const TRIES = 5;
const PAUSE = 20;

async function takeLockSoon(dir: string, name: string): Promise<Lock> {
  for (let i = 1; ; i++) {
    try {
      return takeLock(dir, name);
    } catch (error) {
      if (!(error instanceof LockedError) || i === TRIES) throw error;
    }
    await wait(PAUSE);
  }
}

const code = (error: unknown) => (isTransient(error) ? EXIT.temporary : EXIT.usage);

/** Who may write into the directory may put programs into `ext`, which run as us. */
function checkAccess(dir: string, warn: (message: string) => void): void {
  const { mode, uid } = fs.statSync(dir);
  if ((mode & 0o002) !== 0)
    throw new Fatal(EXIT.usage, `cannot use ${dir}: anybody can write there (chmod 700 ${dir})`);
  if ((mode & 0o020) !== 0) warn(`${dir}: its group can write there, and so make us run programs (chmod 700 ${dir})`);
  if (uid !== 0 && uid !== process.geteuid?.())
    warn(`${dir}: it belongs to somebody else, who can make us run programs`);
}

function kind(file: string): 'fifo' | 'nothing' | 'other' {
  try {
    return fs.lstatSync(file).isFIFO() ? 'fifo' : 'other';
  } catch (error) {
    if (errno(error) === 'ENOENT') return 'nothing';
    throw error;
  }
}

export type State = 'offline' | 'connecting' | `online ${string}` | `failed ${string}`;

/** Shows the state to whoever reads the file `state`. */
export function setState(dir: string, state: State): void {
  replaceFile(path.join(dir, 'state'), `${printable(state)}\n`);
}

/** What the state says after `failed` when a daemon has seen that sj was killed. */
export const KILLED = 'sj was killed';

/**
 * What the last program on the directory was doing when it was killed, as its state still says; `killed`: a daemon has
 * told of it since. Null: it was not killed.
 */
export function killedWhile(dir: string): 'connecting' | 'online' | 'killed' | null {
  try {
    const text = readRegular(path.join(dir, 'state')).toString();
    if (text === `failed ${KILLED}\n`) return 'killed';
    const [word] = text.split(/\s/, 1);
    return word === 'connecting' || word === 'online' ? word : null;
  } catch {
    return null;
  }
}
