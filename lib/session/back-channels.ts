/**
 * The pipes on which daemons send to sj. What Node calls a pipe is a pair of sockets, which cannot be opened by name: a
 * daemon that opens its `-o /dev/fd/3`, as shells and C programs do, would fail. So each is a FIFO without a name.
 */
import fs from 'node:fs';
import path from 'node:path';
import { mkfifos } from '../sys/mkfifo.ts';
import { temporaryName } from '../sys/replace.ts';

export type BackChannel = {
  /** For sj, not blocking. */
  readonly read: number;
  /** For the daemon; to be closed here once the daemon has it. */
  readonly write: number;
};

const { O_NONBLOCK, O_NOFOLLOW, O_RDONLY, O_WRONLY } = fs.constants;

/**
 * Makes some.
 * @param dir where they have names for a moment
 * @returns null in the place of those that could not be made
 */
export async function openBackChannels(dir: string, count: number): Promise<(BackChannel | null)[]> {
  const names = Array.from({ length: count }, () => temporaryName(path.join(dir, 'in')));
  await mkfifos(names).catch(() => {});
  return names.map(open);
}

function open(name: string): BackChannel | null {
  let read = -1;
  try {
    read = fs.openSync(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    // There is a reader, so this waits for nobody; and a daemon expects to wait when the pipe is full.
    return { read, write: fs.openSync(name, O_WRONLY | O_NOFOLLOW) };
  } catch {
    if (read >= 0) fs.closeSync(read);
    return null;
  } finally {
    fs.rmSync(name, { force: true });
  }
}
