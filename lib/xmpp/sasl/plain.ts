import { EXIT } from '../../cli/exit.ts';
import { SaslError } from './error.ts';

/**
 * The message of PLAIN (RFC 4616): no authorization identity, the user, the password. Both go as they are, for the
 * preparation is the server's part here.
 * @throws SaslError bad-username, bad-password: empty, or with a NUL, which is the separator
 */
export function plainMessage(user: string, password: string): string {
  if (!user || user.includes('\0'))
    throw new SaslError('bad-username', EXIT.usage, 'the user name is empty or has a NUL in it');
  if (!password || password.includes('\0'))
    throw new SaslError('bad-password', EXIT.usage, 'the password is empty or has a NUL in it');
  return `\0${user}\0${password}`;
}
