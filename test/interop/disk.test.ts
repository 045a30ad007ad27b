/** What a disk says that is over its quota, has become read-only or is broken; strace(1) says it in its place. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BOB, contents, newAccount, start, until, untimed } from '../e2e/bed/suite.ts';

const ME = 'alice@example.org';

/** From now on writing to this file of a program fails. @returns lets it work again */
async function spoil(pid: number, file: string, error: string): Promise<() => Promise<void>> {
  const trace = spawn(
    'strace',
    ['-f', '-p', String(pid), '-P', file, '-e', 'trace=write,pwrite64,writev', '-e', `inject=all:error=${error}`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  ) as ChildProcess & { stderr: NodeJS.ReadableStream };
  onTestFinished(() => void trace.kill());
  let said = '';
  trace.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(
    () => said.includes('attached'),
    () => said,
  );
  return async () => {
    trace.kill('SIGINT');
    await once(trace, 'exit');
  };
}

it.each([
  ['EDQUOT', 'disk quota exceeded', 'out'],
  ['EROFS', 'read-only file system', 'log'],
  ['EIO', 'i/o error', 'out'],
  ['EDQUOT', 'disk quota exceeded', '.journal'],
  ['EROFS', 'read-only file system', '.journal'],
  ['EIO', 'i/o error', '.journal'],
])(
  '%s: it is told (%s), and what came meanwhile is in %s once, and in order, when it works again',
  async (error, why, name) => {
    const dir = newAccount();
    const m = start(['messaged', '-d', dir, '-j', ME, '-o', '/dev/fd/3'], {
      env: { SJ_ACK: '1' },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    let told = '';
    m.child.stdio[3]!.on('data', (chunk: Buffer) => {
      told += chunk;
    });
    const done = () => Number([...told.matchAll(/<done [^>]*n='(\d+)'/g)].at(-1)?.[1] ?? 0);
    const says = (body: string) =>
      m.child.stdin!.write(`<message from='${BOB}/r' type='chat'><body>${body}</body></message>\n`);
    await until(() => told.includes('<hello '));
    m.child.stdin!.write("<session xmlns='urn:x-sj:session' id='one' n='0'/>\n");
    says('one');
    await until(() => done() === 1);
    const file = name.startsWith('.') ? path.join(dir, name) : path.join(dir, BOB, name);
    const mend = await spoil(m.child.pid!, fs.realpathSync(file), error);
    says('two');
    says('three');
    await until(() => new RegExp(`^messaged: warning: cannot write [^\\n]*(${why})`, 'im').test(m.err()), m.err);
    // What stands in the journal is safe; else nothing is acknowledged.
    if (name.startsWith('.')) expect(done()).toBe(1);
    else await until(() => done() === 3);
    await mend();
    const shown = () => untimed(contents(dir, BOB, 'out')).replaceAll(/<[^>]*> /g, '');
    const kept = () => contents(dir, BOB, 'log').replaceAll(/.*"body":"(.*)"\}/g, '$1');
    const all = 'one\ntwo\nthree\n';
    await until(() => shown() === all && kept() === all && done() === 3, m.err);
    m.child.stdin!.end();
    expect(await m.ended).toBe(0);
  },
);
