import fs from 'node:fs';
import { errno } from '../cli/die.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_WRONLY } = fs.constants;

/**
 * Appends a record with one write, so that a reader never sees half of it. A link to a file elsewhere is the user's
 * wish; but nothing is created through a link, and nothing but a regular file is written.
 * @throws on failure; on a short write (a full disk) too
 */
export function appendRecord(file: string, record: string | Uint8Array): void {
  const bytes = typeof record === 'string' ? Buffer.from(record) : record;
  const fd = open(file);
  try {
    if (!fs.fstatSync(fd).isFile()) throw new Error('not a regular file');
    if (fs.writeSync(fd, bytes) !== bytes.length) throw new Error('no space left on device');
  } finally {
    fs.closeSync(fd);
  }
}

function open(file: string): number {
  const flags = O_WRONLY | O_APPEND | O_NONBLOCK;
  try {
    return fs.openSync(file, flags);
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
    return fs.openSync(file, flags | O_CREAT | O_EXCL, 0o600);
  }
}
