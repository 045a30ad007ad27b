/** Runs a program: its exit code, its last words, and what every program of the suite does at its start. */

import { reason } from '../sys/errno.ts';
import { frugal } from '../sys/heap.ts';
import { EXIT, Fatal } from './exit.ts';
import { type Say, voice } from './messages.ts';
import { Printed } from './printed.ts';
import { openStderr } from './stderr.ts';
import { leaveTerminal } from './terminal.ts';

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
