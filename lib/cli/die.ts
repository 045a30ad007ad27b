/**
 * How a program ends and how it complains. Exit codes are an API for supervisors: they tell whether to try again.
 */

import { frugal } from './frugal.ts';
import { Printed } from './printed.ts';
import { openStderr } from './stderr.ts';
import { leaveTerminal } from './terminal.ts';

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

/** Why a system call failed, as strerror says it where we know it: `no such file or directory`. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isQuota(error)) return 'disk quota exceeded';
  if (errno(error) === 'EMFILE') return 'too many open files (see ulimit -n)';
  // dup(2) has no room for a descriptor of the child at or above the limit.
  if (errno(error) === 'EINVAL' && 'syscall' in error && `${error.syscall}`.startsWith('spawn'))
    return 'descriptors are open above the limit (see ulimit -n)';
  // Node writes `ENOENT: no such file or directory, open 'x'`; the path is already in our own sentence.
  return /^E[A-Z0-9]+: (.*?)(, \w+( '.*)?)?$/s.exec(error.message)?.[1] ?? error.message;
}

/** libuv has no name for EDQUOT, only the system's number. */
const isQuota = (error: unknown): boolean =>
  error instanceof Error && 'errno' in error && error.errno === (process.platform === 'linux' ? -122 : -69);

/** The code of a failed system call (`ENOENT`), or the empty string. */
export function errno(error: unknown): string {
  if (isQuota(error)) return 'EDQUOT';
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** A text from anywhere as it may stand in one line of stderr or a log: no controls, no bidi controls, one line. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}

export type Say = {
  /** `NAME: warning: MESSAGE` on stderr. */
  warn: (message: string) => void;
  /** `NAME: fatal: MESSAGE` on stderr. It does not end the program. */
  fatal: (message: string) => void;
  /** `NAME: MESSAGE` on stderr. */
  info: (message: string) => void;
};

/** The voice of a program. @param write must not block */
export function voice(name: string, write: (text: string) => void): Say {
  const say = (text: string) => write(`${name}: ${printable(text)}\n`);
  return { warn: (m) => say(`warning: ${m}`), fatal: (m) => say(`fatal: ${m}`), info: say };
}

/** How long, in milliseconds, what has been said may take to arrive after a failure. */
const LAST_WORDS = 300;

/**
 * Runs a program: whatever it throws becomes one line on stderr and an exit code. A `Fatal` carries its own code; any
 * other error is a temporary failure (111), because a supervisor's next try starts from a clean state.
 * The exit code is set, not forced, so that what is still on its way into pipes arrives; but after a failure the process
 * ends, whatever it still has open: a daemon that has said `fatal` and goes on would be taken for one that works.
 */
export async function run(
  name: string,
  main: (say: Say) => Promise<number | undefined> | number | undefined,
): Promise<void> {
  const stderr = openStderr();
  const say = voice(name, stderr);
  frugal();
  process.title = name;
  process.umask(0o077);
  process.on('exit', leaveTerminal);
  const end = (error: unknown) => {
    if (error instanceof Printed) {
      process.stdout.write(error.text);
      process.exitCode = EXIT.ok;
      return;
    }
    say.fatal(error instanceof Fatal ? error.message : reason(error));
    if (error instanceof Fatal && error.usage !== undefined) stderr(`usage: ${error.usage}\n`);
    process.exitCode = error instanceof Fatal ? error.code : EXIT.temporary;
  };
  // Node's default for SIGUSR1 is to open a debugger port.
  process.on('SIGUSR1', () => {});
  process.on('uncaughtException', (error) => {
    end(error);
    process.exit();
  });
  try {
    process.exitCode = (await main(say)) ?? EXIT.ok;
  } catch (error) {
    end(error);
    setTimeout(() => process.exit(), LAST_WORDS).unref();
  }
}
