/** Exit codes are an API for supervisors: they tell whether to try again. */

export const EXIT = {
  /** The session ended as it was told to. */
  ok: 0,
  /** The other side broke the protocol, or its certificate is not good. */
  protocol: 76,
  /** The server refused the account: trying again cannot help. */
  refused: 77,
  /** Wrong usage or configuration. */
  usage: 100,
  /** A temporary failure: try again. */
  temporary: 111,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An end with a meaning: what to say on stderr, the exit code, and how the program is used if that was the mistake. */
export class Fatal extends Error {
  readonly code: ExitCode;
  readonly usage: string | undefined;

  constructor(code: ExitCode, message: string, usage?: string) {
    super(message);
    this.code = code;
    this.usage = usage;
  }
}
