import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh directory that is gone after the test. */
export function scratch(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-files-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Waits until something is so; the test's own time limit ends the wait. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export type Shell = { child: ChildProcess; done: Promise<number | null> };

/** Runs a shell script with arguments `$1`…; what is left of it is killed after the test. */
export function sh(cwd: string, script: string, ...args: string[]): Shell {
  const child = spawn('sh', ['-c', script, 'sh', ...args], {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  const done = new Promise<number | null>((resolve) => child.on('exit', resolve));
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {}
  });
  return { child, done };
}
