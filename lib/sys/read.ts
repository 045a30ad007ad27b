/** Reading what stands at a path that anybody may have put something else at: a FIFO would never end, or never begin. */
import fs from 'node:fs';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;

/**
 * The whole of a regular file.
 * @param follow whether a link to one will do
 * @throws on failure; if it is none
 */
export function readRegular(file: string, follow = true): Buffer {
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
  try {
    if (!fs.fstatSync(fd).isFile()) throw new Error('not a regular file');
    return fs.readFileSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
