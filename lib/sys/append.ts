import fs from 'node:fs';
import { errno, reason } from './errno.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_WRONLY } = fs.constants;

/** A record of which only a part could be written: whoever wants it whole appends the rest later. */
export class TornRecord extends Error {
  readonly code: string;
  /** How many bytes of it are in the file. */
  readonly written: number;

  constructor(cause: unknown, written: number) {
    super(reason(cause));
    this.code = errno(cause);
    this.written = written;
  }
}

/**
 * Appends a record with one write, so that a reader never sees half of it. A link to a file elsewhere is the user's
 * wish; but nothing is created through a link, and nothing but a regular file is written.
 * @throws TornRecord if only a part of it could be written (a full disk), any other error if nothing was
 */
export function appendRecord(file: string, record: string | Uint8Array): void {
  const bytes = typeof record === 'string' ? Buffer.from(record) : record;
  const fd = openAppend(file);
  try {
    writeAll(fd, bytes);
  } finally {
    fs.closeSync(fd);
  }
}

/** Opens a file for records, or makes it. @throws as `appendRecord` */
export function openAppend(file: string): number {
  const fd = open(file);
  try {
    if (!fs.fstatSync(fd).isFile()) throw new Error('not a regular file');
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  return fd;
}

/** Writes everything, with one write where the system takes it so. @throws as `appendRecord` */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  try {
    while (written < bytes.length) written += fs.writeSync(fd, bytes, written);
  } catch (error) {
    throw written === 0 ? error : new TornRecord(error, written);
  }
}

function open(file: string): number {
  const flags = O_WRONLY | O_APPEND | O_NONBLOCK;
  try {
    return fs.openSync(file, flags);
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
  }
  try {
    return fs.openSync(file, flags | O_CREAT | O_EXCL, 0o600);
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error;
  }
  // Another daemon was quicker; or it is a link that leads nowhere, which this tells.
  return fs.openSync(file, flags);
}
