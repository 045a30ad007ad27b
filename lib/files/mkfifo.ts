import { spawn } from 'node:child_process';

/** Node has no mkfifo(2); one mkfifo(1) makes many. Bytes of arguments for one call, well below what a system allows. */
const ARGV = 100_000;

/** Makes FIFOs with mode 0600. Paths that exist, or cannot be, don't keep the others from being made. */
export async function mkfifos(paths: readonly string[]): Promise<void> {
  for (let i = 0; i < paths.length; ) {
    const batch: string[] = [];
    for (let size = 0; i < paths.length && size < ARGV; i++) {
      batch.push(paths[i]!);
      size += Buffer.byteLength(paths[i]!) + 1;
    }
    await new Promise<void>((resolve, reject) => {
      const child = spawn('mkfifo', ['-m', '600', '--', ...batch], { stdio: 'ignore' });
      child.on('error', reject);
      child.on('exit', () => resolve());
    });
  }
}
