/** messaged without sj: fed by hand, as any program is that reads its standard input. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { controlText } from '../lib/xmpp/codec/control.ts';
import { flood, type Sink } from './measure.ts';
import { cpu } from './processes.ts';
import { contact, environment, until } from './suite.ts';

const CONTACTS = 20;

/**
 * What a message costs messaged, in microseconds of CPU.
 * @param ack whether sj keeps account, in which case there is a journal; we play sj then
 */
export async function costAlone(bin: string, n: number, ack: boolean): Promise<number> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-bench-'));
  const child = spawn(path.join(bin, 'messaged'), ['-d', dir, '-j', 'bench@bench.example', '-o', '/dev/fd/3'], {
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
    env: { ...environment(), ...(ack && { SJ_ACK: '1' }) },
  });
  const exited = once(child, 'exit');
  let told = '';
  (child.stdio[3] as Duplex).on('data', (chunk: Buffer) => (told = (told + chunk.toString('latin1')).slice(-1000)));
  const done = () => Number([...told.matchAll(/<done [^>]*n='(\d+)'/g)].at(-1)?.[1] ?? 0);
  const write = (text: string) => new Promise<void>((resolve) => void child.stdin!.write(text, () => resolve()));
  const sink: Sink = {
    server: { send: (stanzas) => write(stanzas.replaceAll('</message>', '</message>\n')) },
    file: (i, name) => path.join(dir, contact(i), name),
  };
  try {
    if (ack) {
      await until(() => told.includes('hello'));
      await write(`${controlText({ what: 'session', id: 'bench', n: 0, resumed: false })}\n`);
    }
    const warm = CONTACTS * 100;
    await flood(sink, warm, CONTACTS);
    const before = cpu([child.pid!]);
    await flood(sink, n, CONTACTS);
    // Each flood has one message more.
    if (ack) await until(() => done() >= warm + n + 2);
    return ((cpu([child.pid!]) - before) * 1000) / n;
  } finally {
    child.kill('SIGKILL');
    await exited;
    fs.rmSync(dir, { recursive: true });
  }
}
