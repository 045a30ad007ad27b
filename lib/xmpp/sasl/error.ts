import type { ExitCode } from '../../cli/exit.ts';

/** What went wrong, for programs and tests: stable, unlike the sentence. */
export type SaslCode =
  // Ours: what we were given cannot be used.
  | 'bad-username'
  | 'bad-password'
  | 'no-password'
  | 'unknown-floor'
  // Nothing of what the server offers fits.
  | 'no-mechanism'
  | 'below-floor'
  | 'binding-stripped'
  // The exchange itself.
  | 'incorrect-encoding'
  | 'malformed'
  | 'unexpected-challenge'
  | 'mandatory-extension'
  | 'nonce-mismatch'
  | 'bad-salt'
  | 'iteration-count'
  | 'offer-tampered'
  | 'missing-server-signature'
  | 'bad-server-signature'
  | 'server-error'
  | 'bad-certificate'
  // The server's <failure/>.
  | 'failure';

/** Why authentication ended: a stable code, the exit code it means for the program, and one line of text. */
export class SaslError extends Error {
  readonly code: SaslCode;
  readonly exit: ExitCode;

  constructor(code: SaslCode, exit: ExitCode, message: string) {
    super(message);
    this.code = code;
    this.exit = exit;
  }
}
