/** Programs on a terminal of their own: Node has no pty, but util-linux is everywhere. */
import { type Job, start } from './suite.ts';

export type Terminal = Job & {
  /** What is typed on it. */
  type(text: string): void;
  /** Closes it, as the end of a terminal emulator or of an SSH connection does. */
  close(): void;
};

/**
 * Runs a script of sh as the leader of a session with a terminal; `out` is what the terminal shows.
 * @param args of the script: `"$1"`, `"$2"`, ...
 */
export function onTerminal(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Terminal {
  const quoted = ['sh', '-c', script, 'sh', ...args].map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(' ');
  const job = start(['script', '-qefc', `exec ${quoted}`, '/dev/null'], { env: { SHELL: '/bin/sh', ...env } });
  return {
    ...job,
    type: (text) => void job.child.stdin!.write(text),
    close: () => void job.child.kill('SIGKILL'),
  };
}
