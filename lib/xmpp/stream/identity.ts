import fs from 'node:fs';
import path from 'node:path';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { errno, reason } from '../../sys/errno.ts';
import { readRegular } from '../../sys/read.ts';

/**
 * The certificate and key to show to the server: the file `cert.pem` of the account directory, if there is one.
 * @throws Fatal 100 if others can read it
 */
export function readIdentity(dir: string): Buffer | undefined {
  const file = path.join(dir, 'cert.pem');
  try {
    const { mode, uid } = fs.statSync(file);
    if ((mode & 0o077) !== 0 || uid !== process.getuid?.())
      throw new Fatal(EXIT.usage, `cannot use ${file}: others have access to it (chmod 600 ${file})`);
    return readRegular(file);
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error instanceof Fatal ? error : new Fatal(EXIT.usage, `cannot read ${file}: ${reason(error)}`);
  }
}
