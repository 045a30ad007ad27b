/** A small disk of a test's own, that can be full or read-only: a tmpfs in a namespace, which any user may mount. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { scratch } from './suite.ts';

export type Disk = {
  /** A directory on it, for programs and tests alike. */
  readonly dir: string;
  /** Takes all that is free. */
  fill(): void;
  free(): void;
  /** Makes it read-only, or writable again. */
  remount(mode: 'ro' | 'rw'): Promise<void>;
};

const BALLAST = 'ballast';

/** @param size as tmpfs takes it: `512k` */
export async function makeDisk(size: string): Promise<Disk> {
  const place = scratch();
  const shell = spawn('unshare', ['-rm', 'sh'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    shell.stdin.end();
    if (shell.exitCode === null) await once(shell, 'exit');
  });
  shell.stdout.setEncoding('utf8');
  async function run(command: string): Promise<void> {
    shell.stdin.write(`${command} && echo done\n`);
    const [said] = await Promise.race([
      once(shell.stdout, 'data'),
      once(shell, 'exit').then(() => ['nothing: user namespaces are needed for this test, see unshare(1)']),
    ]);
    if (said !== 'done\n') throw new Error(`${command}: ${said}`);
  }
  await run(`mount -t tmpfs -o size=${size},mode=0700 tmpfs '${place}'`);
  // Seen from outside the namespace through one of its processes.
  const root = path.join('/proc', String(shell.pid), 'root', place);
  const dir = path.join(root, 'xmpp');
  fs.mkdirSync(dir, { mode: 0o700 });
  const ballast = path.join(root, BALLAST);
  return {
    dir,
    fill() {
      const fd = fs.openSync(ballast, 'a');
      try {
        for (let step = 65_536; step > 0; ) {
          try {
            fs.writeSync(fd, Buffer.alloc(step));
          } catch {
            step = Math.floor(step / 2);
          }
        }
      } finally {
        fs.closeSync(fd);
      }
    },
    free: () => fs.rmSync(ballast),
    remount: (mode) => run(`mount -o remount,${mode} '${place}'`),
  };
}
