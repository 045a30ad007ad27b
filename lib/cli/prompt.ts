import { closeSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { reason } from '../sys/errno.ts';
import { createEditor } from './editor.ts';
import { EXIT, Fatal } from './exit.ts';

/**
 * Asks for one line on a terminal and shows nothing of it. The terminal is put back however we end: by Enter, by ^C,
 * by an error, by a signal. A signal that the caller handles stays with the caller.
 * @param fd a terminal, open for reading and writing; it is closed afterwards, unless it is 0, 1 or 2
 * @param limit bytes kept of the line
 * @throws Fatal 111 when the terminal is gone. After ^C it never settles: SIGINT ends us, or makes its handler end us
 */
export async function ask(fd: number, prompt: string, limit: number): Promise<Buffer> {
  const terminal = open(fd);
  const editor = createEditor(limit);
  const show = (text: string) => {
    try {
      writeSync(fd, text);
    } catch {
      // A terminal that can't be written to can still be read.
    }
  };
  const typed = new Promise<'enter' | 'interrupt'>((resolve, reject) => {
    terminal.on('error', (error) => reject(new Fatal(EXIT.temporary, `cannot read the terminal: ${reason(error)}`)));
    terminal.on('end', () => resolve('enter'));
    terminal.on('data', (bytes: Buffer) => {
      const result = editor.push(bytes);
      if (result !== 'more') resolve(result);
    });
  });
  const unguard = guard(() => terminal.setRawMode(false));
  try {
    terminal.setRawMode(true);
    show(prompt);
    if ((await typed) === 'enter') return editor.line();
  } finally {
    unguard();
    terminal.setRawMode(false);
    show('\n');
    terminal.destroy();
  }
  // In raw mode the terminal itself tells nobody of ^C, and who started us must know, or may start us again.
  process.kill(0, 'SIGINT');
  return new Promise(() => {});
}

/** Runs `restore` before a signal ends us. Of SIGINT and SIGTERM Node itself takes care. */
function guard(restore: () => void): () => void {
  const signals = (['SIGHUP', 'SIGQUIT', 'SIGALRM'] as const).filter((name) => process.listenerCount(name) === 0);
  const end = (name: NodeJS.Signals) => {
    restore();
    process.kill(process.pid, name);
  };
  for (const name of signals) process.once(name, end);
  return () => {
    for (const name of signals) process.off(name, end);
  };
}

function open(fd: number): ReadStream {
  try {
    return new ReadStream(fd);
  } catch (error) {
    if (fd > 2) closeSync(fd);
    throw new Fatal(EXIT.temporary, `cannot read the terminal: ${reason(error)}`);
  }
}
