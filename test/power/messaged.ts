/** A messaged that is started on a directory by somebody who plays sj. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { parseElement } from '../../lib/xml/tree.ts';
import { controlText, readControl } from '../../lib/xmpp/codec/control.ts';
import { until } from '../interop/bed/until.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin');

export type Messaged = {
  /** Ids of the messages that it sends. */
  readonly sent: readonly string[];
  /** All that it has said on stderr. */
  readonly stderr: string;
  /** Tells of the session, and waits until everything that was written down before is in its files. */
  begin(session: string, n: number): Promise<void>;
  /** Takes what it sends, says goodbye, and gives the exit code. */
  end(): Promise<number | string | null>;
  kill(): void;
};

export function startMessaged(dir: string, own: string, env: NodeJS.ProcessEnv): Messaged {
  const child: ChildProcess = spawn(join(BIN, 'messaged'), ['-d', dir, '-j', own, '-o', '/dev/fd/3'], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, TZ: 'UTC', SJ_ACK: '1', ...env },
  });
  const sent: string[] = [];
  let stderr = '';
  let rest = '';
  let done = 0;
  let expected = 0;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  (child.stdio[3] as NodeJS.ReadableStream).setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const element = parseElement(line);
      const control = readControl(element);
      if (control?.what === 'done') done = control.n;
      else if (control === null) sent.push(element.attrs.id ?? '');
    }
  });
  const stdin = child.stdin as Writable;
  stdin.on('error', () => {});
  const tell = (line: string) => void stdin.write(`${line}\n`);
  return {
    sent,
    get stderr() {
      return stderr;
    },
    async begin(id, n) {
      tell(controlText({ what: 'session', id, n, resumed: true }));
      expected = n + 1;
      // It is no message to be shown, but one to be dealt with, after all that was found in the journal.
      tell(`<message from='${own}'/>`);
      await until(
        'messaged to be done',
        () => {
          if (child.exitCode !== null) throw new Error(`messaged ended: ${child.exitCode}\n${stderr}`);
          return done >= expected;
        },
        () => stderr,
      );
    },
    async end() {
      tell(controlText({ what: 'sent', n: sent.length }));
      tell(controlText({ what: 'bye' }));
      const ended = once(child, 'close');
      stdin.end();
      await ended;
      return child.exitCode ?? child.signalCode;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
