/** A daemon as a part of a session: the test is sj, which numbers what it hands out and hears what is done. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Element } from 'ltx';
import { onTestFailed, onTestFinished } from 'vitest';
import type { Control } from '../../../lib/session/control.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { canonical } from '../../../lib/xml/write.ts';
import { controlText, readControl } from '../../../lib/xmpp/codec/control.ts';
import { BIN } from './suite.ts';

export type Partner = {
  readonly child: ChildProcess;
  /** Its exit code, or the signal that killed it. */
  readonly ended: Promise<number | string>;
  /** The control elements that it has sent, in words. */
  readonly heard: string[];
  /** The stanzas that it has sent. */
  readonly got: Element[];
  /** The same, as text. */
  texts(): string[];
  /** Up to which number it has said to be done. */
  readonly done: number;
  err(): string;
  tell(control: Control): void;
  session(id: string, n: number, resumed?: boolean): void;
  give(...stanzas: string[]): void;
  /** Tells it that everything it has sent until now was taken. */
  take(): void;
  /** Ends its input, with or without a good bye. */
  end(bye?: boolean): Promise<number | string>;
  kill(): Promise<number | string>;
};

export function startPartner(name: string, dir: string, env: NodeJS.ProcessEnv = {}, args: string[] = []): Partner {
  const child = spawn(path.join(BIN, name), ['-d', dir, '-o', '/dev/fd/3', ...args], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, TZ: 'UTC', SJ_ACK: '1', SJ_JID: 'me@server.org', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let err = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  onTestFailed(() => {
    if (err !== '') console.error(err);
  });
  child.stdin!.on('error', () => {});
  const back = child.stdio[3] as NodeJS.ReadableStream;
  back.on('error', () => {});
  let rest = '';
  let done = 0;
  back.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const element = parseElement(line);
      const control = readControl(element);
      if (control === null) partner.got.push(element);
      else partner.heard.push(Object.values(control).join(' '));
      if (control?.what === 'done') done = control.n;
    }
  });
  const write = (text: string) => void child.stdin!.write(`${text}\n`);
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const tell = (control: Control) => write(controlText(control));
  const partner: Partner = {
    child,
    ended,
    heard: [],
    got: [],
    texts: () => partner.got.map((element) => canonical(element)),
    get done() {
      return done;
    },
    err: () => err,
    tell,
    session: (id, n, resumed = false) => tell({ what: 'session', id, n, resumed }),
    give: (...stanzas) => write(stanzas.join('\n')),
    take: () => tell({ what: 'sent', n: partner.got.length }),
    end(bye = false) {
      if (bye) tell({ what: 'bye' });
      child.stdin!.end();
      return ended;
    },
    kill() {
      child.kill('SIGKILL');
      return ended;
    },
  };
  return partner;
}
