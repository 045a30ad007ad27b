/**
 * Working in a directory that somebody may replace by a link at any moment: what was opened stays what it was. Node has
 * no openat(2), but Linux names open directories under /proc.
 */
import fs from 'node:fs';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = fs.constants;

let hasProc: boolean | undefined;

/**
 * Opens a directory and works in it. Without /proc the path itself is handed on, right after the look.
 * @param work gets a path that leads to this directory, whatever has become of its name
 * @throws ENOENT if there is none; ELOOP or ENOTDIR if something else, such as a link, has the name
 */
export function inDirectory<Result>(directory: string, work: (held: string) => Result): Result {
  const fd = fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    hasProc ??= fs.existsSync(`/proc/self/fd/${fd}/.`);
    return work(hasProc ? `/proc/self/fd/${fd}` : directory);
  } finally {
    fs.closeSync(fd);
  }
}
