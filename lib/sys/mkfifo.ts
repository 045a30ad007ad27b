/**
 * Node has no mkfifo(2); one mkfifo(1) makes many. Every user of the machine can read its arguments, so they name
 * nobody: the FIFOs are made under temporary names in the working directory, and get their own names from here.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { errno } from './errno.ts';
import { temporaryName } from './replace.ts';

/** Bytes of arguments for one call, well below what a system allows. */
const ARGV = 100_000;

/**
 * Makes FIFOs with mode 0600. Paths that exist, or cannot be, don't keep the others from being made.
 * @param stage where they are made first, on the same file system
 * @throws if mkfifo can't be run
 */
export async function mkfifos(paths: readonly string[], stage?: string): Promise<void> {
  if (paths.length === 0) return;
  const place = stage ?? path.dirname(paths[0]!);
  for (let i = 0; i < paths.length; ) {
    const batch: { target: string; temporary: string }[] = [];
    for (let size = 0; i < paths.length && size < ARGV; i++) {
      const temporary = temporaryName(path.join(place, 'in'));
      batch.push({ target: paths[i]!, temporary });
      size += path.basename(temporary).length + 1;
    }
    const names = batch.map(({ temporary }) => path.basename(temporary));
    if (fs.existsSync(place)) await run(place, names);
    for (const { target, temporary } of batch) if (!give(temporary, target)) await direct(target);
  }
}

function run(cwd: string, names: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('mkfifo', ['-m', '600', '--', ...names], { stdio: 'ignore', cwd });
    child.on('error', reject);
    child.on('exit', () => resolve());
  });
}

/** Gives a FIFO its name, unless something has it. @returns false if that can't be done in this way */
function give(temporary: string, target: string): boolean {
  try {
    fs.linkSync(temporary, target);
    return true;
  } catch (error) {
    if (errno(error) === 'EEXIST') return true;
    return /^(EPERM|ENOSYS|ENOTSUP|EOPNOTSUPP)$/.test(errno(error)) && move(temporary, target);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** For file systems without hard links. */
function move(temporary: string, target: string): boolean {
  try {
    if (fs.lstatSync(target, { throwIfNoEntry: false }) === undefined) fs.renameSync(temporary, target);
    return true;
  } catch {
    return false;
  }
}

/** Where the stage is of no use: another file system, or nothing can be made there. The last name alone is seen. */
async function direct(target: string): Promise<void> {
  const cwd = path.dirname(target);
  if (fs.existsSync(cwd)) await run(cwd, [path.basename(target)]);
}
