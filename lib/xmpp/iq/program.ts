/** One run of a handler program, within limits of time and output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { reason } from '../../sys/errno.ts';
import { withoutLeaks } from '../../sys/leaks.ts';

export type RunLimits = {
  /** Milliseconds that a run may take. */
  readonly time: number;
  /** Bytes that it may print. */
  readonly output: number;
};

export const RUN_LIMITS: RunLimits = { time: 30_000, output: 262_144 };

export type Outcome = {
  /** The exit code, or null after a signal. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: Buffer;
  /** Why we ended it, or why it could not be started. */
  readonly failure?: string;
};

export type Run = {
  readonly done: Promise<Outcome>;
  /** Ends it now, with everything it has started. */
  kill(why: string): void;
};

/** After a program's own end: how long what it left behind may still hold its output open, in milliseconds. */
const TAIL = 200;

/**
 * Starts a program, never through a shell, hands it a text on stdin and takes what it prints. It gets a process group
 * of its own, so that a run that must be ended is ended whole; what a run that ended by itself left behind lives on.
 * stderr is ours.
 */
export function runProgram(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string | Uint8Array,
  limits: RunLimits = RUN_LIMITS,
): Run {
  let kill: (why: string) => void = () => {};
  const done = new Promise<Outcome>((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let failure: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    let child: ChildProcess;
    const finish = (code: number | null, signal: string | null) => {
      clearTimeout(timer);
      kill = () => {};
      resolve({ code, signal, output: Buffer.concat(chunks), ...(failure !== undefined && { failure }) });
    };
    const cannotStart = (error: unknown) => {
      failure = `cannot be started: ${reason(error)}`;
      finish(null, null);
    };
    try {
      child = spawn(path, args, { env, stdio: withoutLeaks(['pipe', 'pipe', 'inherit']), detached: true });
    } catch (error) {
      cannotStart(error); // Too long an environment, for one, is thrown and not reported.
      return;
    }
    const { stdin, stdout } = child;
    kill = (why) => {
      failure ??= why;
      killGroup(child);
    };
    timer = setTimeout(() => kill(`took more than ${limits.time / 1000} s`), limits.time);
    child.on('error', cannotStart);
    stdin?.on('error', () => {}); // It need not read what it is told.
    stdin?.end(input);
    stdout?.on('error', () => {});
    stdout?.on('data', (chunk: Buffer) => {
      if (failure !== undefined) return;
      size += chunk.length;
      if (size > limits.output) kill(`printed more than ${limits.output} bytes`);
      else chunks.push(chunk);
    });
    child.on('exit', () => {
      clearTimeout(timer);
      kill = () => stdout?.destroy();
      timer = setTimeout(() => stdout?.destroy(), TAIL);
    });
    child.on('close', finish);
  });
  return { done, kill: (why) => kill(why) };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL'); // The group is gone, or not there yet.
  }
}
