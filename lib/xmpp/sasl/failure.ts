/** What a server's <failure/> means (RFC 6120 section 6.5). */

import { EXIT, type ExitCode } from '../../cli/exit.ts';
import { SaslError } from './error.ts';

const meanings: Record<string, [ExitCode, string]> = {
  'not-authorized': [EXIT.refused, 'the server does not accept this user name and password'],
  'credentials-expired': [EXIT.refused, 'the password or certificate has expired'],
  'account-disabled': [EXIT.refused, 'the account is disabled'],
  'invalid-authzid': [EXIT.refused, 'the server does not let this user act for this account'],
  'temporary-auth-failure': [EXIT.temporary, 'the server cannot authenticate anybody at the moment'],
  'invalid-mechanism': [EXIT.protocol, 'the server refuses a mechanism that it offered'],
  'mechanism-too-weak': [EXIT.protocol, 'the server finds a mechanism that it offered too weak for this account'],
  'encryption-required': [EXIT.protocol, 'the server wants TLS for this mechanism'],
  'malformed-request': [EXIT.protocol, 'the server could not read our message'],
  'incorrect-encoding': [EXIT.protocol, 'the server could not read our base64'],
  aborted: [EXIT.protocol, 'the server says that authentication was aborted'],
};

/**
 * The error for a <failure/>.
 * @param condition the name of its first child, in the namespace of SASL
 * @param text what its <text/> says, or null
 */
export function failure(condition: string, text: string | null = null): SaslError {
  const known = Object.hasOwn(meanings, condition) ? meanings[condition] : undefined;
  const [exit, meaning] = known ?? [EXIT.protocol, 'the server refused authentication'];
  const said = text?.trim() ? `: ${text.trim().slice(0, 200)}` : '';
  return new SaslError('failure', exit, `${meaning} (${condition.slice(0, 64)})${said}`);
}
