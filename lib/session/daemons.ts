/**
 * The daemons of a session as child processes: stanzas go to their stdin one a line, and what they send comes back on
 * their descriptor 3, so that their long stanzas never mix with those that others write into `in`.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import fs from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { EXIT, Fatal } from '../cli/exit.ts';
import { findProgram } from '../cli/find-program.ts';
import { reason } from '../sys/errno.ts';
import { withoutLeaks } from '../sys/leaks.ts';
import type { BackChannel } from './back-channels.ts';
import { createBatch, type Stanza } from './batch.ts';

export type DaemonEvents<Name extends string> = {
  /** Bytes of stanzas to send. */
  data(name: Name, chunk: Buffer): void;
  /** The daemon takes input again. */
  drain(): void;
  /** It has ended: by itself with a code, or by a signal, or it could not be started. */
  exit(name: Name, how: string, clean: boolean): void;
};

export type Daemon<Name extends string = string> = {
  readonly name: Name;
  /** Whether it tells what it has dealt with: once it has said hello. For others it is enough that the pipe has it. */
  tells: boolean;
  /** Adds a stanza to the batch: bytes as they came, or the canonical text. */
  put(stanza: Stanza): void;
  /** Writes the batch, and tells when the system has taken it; false: the daemon is behind, wait for `drain`. */
  flush(taken?: () => void): boolean;
  /**
   * No more stanzas: it finishes its work and ends.
   * @param mayStay it may as well wait for its successor: it is done once it has closed its way back
   */
  end(mayStay: boolean): void;
  /** Reads no more of what it sends: it will see that nobody is there. */
  cutBack(): void;
  /** Stops and goes on reading what it sends. */
  pause(): void;
  resume(): void;
  kill(): void;
  readonly running: boolean;
};

/** The descriptor on which a daemon sends; its `-o` names it. */
const BACK = 3;

/**
 * Starts a daemon.
 * @param channel on which it sends; null: a pair of sockets will have to do
 * @throws Fatal 100 if there is no such program, 111 if there are too few descriptors to start it
 */
export function startDaemon<Name extends string>(
  name: Name,
  args: string[],
  env: NodeJS.ProcessEnv,
  channel: BackChannel | null,
  on: DaemonEvents<Name>,
): Daemon<Name> {
  const child = launch(findProgram(name), [...args, '-o', `/dev/fd/${BACK}`], {
    stdio: withoutLeaks(['pipe', 'inherit', 'inherit', channel?.write ?? 'pipe']),
    env,
  });
  const stdin = child.stdin as Writable;
  const back =
    channel === null
      ? (child.stdio[BACK] as Socket)
      : new Socket({ fd: channel.read, readable: true, writable: false, allowHalfOpen: false });
  if (channel !== null) fs.closeSync(channel.write);
  let running = true;

  /** Nothing more is for it. */
  let ending = false;
  let patience: NodeJS.Timeout | undefined;

  // As a rule a broken pipe is but the shadow of an end, which shows in `exit`. One that lives on will take no stanza.
  stdin.on('error', () => {
    if (ending || !running) return;
    patience = setTimeout(() => {
      child.kill('SIGKILL');
      over('reads its input no more');
    }, SHADOW);
  });
  stdin.on('drain', on.drain);
  back.on('error', () => {});
  back.on('data', (chunk: Buffer) => on.data(name, chunk));
  const over = (how: string) => {
    if (!running) return;
    running = false;
    clearTimeout(patience);
    // What it sent last may still be on its way; but a child of its own may hold the descriptor open for ever.
    const report = () => on.exit(name, how, how === CLEAN);
    if (back.destroyed) return report();
    const timer = setTimeout(() => back.destroy(), LAST_WORDS);
    back.once('close', () => {
      clearTimeout(timer);
      report();
    });
  };
  child.on('error', (error) => over(`cannot be started: ${error.message}`));
  child.on('exit', (code, signal) =>
    over(signal !== null ? `was killed by ${signal}` : code === 0 ? CLEAN : `ended with exit code ${code}`),
  );

  const batch = createBatch();
  return {
    name,
    tells: false,
    put: batch.put,
    flush(taken) {
      const lines = batch.take();
      if (lines === null) return !stdin.writableNeedDrain;
      if (!stdin.writable) return true;
      return stdin.write(lines, (error) => {
        if (!error) taken?.();
      });
    },
    end(mayStay) {
      ending = true;
      clearTimeout(patience);
      stdin.end();
      if (!mayStay) return;
      const left = () => {
        child.unref();
        over(CLEAN);
      };
      if (back.destroyed) left();
      else back.once('close', left);
    },
    cutBack: () => void back.destroy(),
    pause: () => void back.pause(),
    resume: () => void back.resume(),
    kill: () => void child.kill('SIGKILL'),
    get running() {
      return running;
    },
  };
}

/** `spawn`, which throws for some failures and for others returns a child without streams, as one failure. */
function launch(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const failed = (why: string) => new Fatal(EXIT.temporary, `cannot start ${path.basename(file)}: ${why}`);
  let child: ChildProcess;
  try {
    child = spawn(file, args, options);
  } catch (error) {
    throw failed(reason(error));
  }
  // As types have it, null stands for no pipe; without descriptors for pipes there is not even that.
  if (child.stdin === undefined) {
    // It is told once more, later.
    child.on('error', () => {});
    throw failed('too many open files (see ulimit -n)');
  }
  return child;
}

const CLEAN = 'ended';

/** How long, in milliseconds, an end may take to show after its pipe has broken. */
const SHADOW = 200;

/** How long, in milliseconds, we read on after a daemon has ended. */
const LAST_WORDS = 200;
