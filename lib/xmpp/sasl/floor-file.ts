/**
 * The strongest way in which an account has proved itself so far: one line `MECHANISM ACCOUNT` in the file `.sasl`.
 * Whoever removes the file lifts the rule.
 */
import path from 'node:path';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { errno, reason } from '../../sys/errno.ts';
import { readRegular } from '../../sys/read.ts';
import { replaceFile } from '../../sys/replace.ts';

const NAME = '.sasl';

/** The mechanism kept for an account, or null. @throws Fatal 100 if the file is there and cannot be read */
export function readFloor(dir: string, account: string): string | null {
  try {
    const [mechanism, owner] = readRegular(path.join(dir, NAME), false).toString().trim().split(' ');
    return owner === account && mechanism ? mechanism : null;
  } catch (error) {
    if (errno(error) === 'ENOENT') return null;
    throw new Fatal(EXIT.usage, `cannot read ${path.join(dir, NAME)}: ${reason(error)}`);
  }
}

export function writeFloor(dir: string, account: string, mechanism: string): void {
  replaceFile(path.join(dir, NAME), `${mechanism} ${account}\n`);
}
