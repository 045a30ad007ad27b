/** The end of a contact's `log`, read when somebody refers to what stands there; however long the file has become. */
import fs from 'node:fs';
import type { LogRecord } from './log.ts';

/** The last records of a log, oldest first, of so many bytes; what is no record is left out. */
export function lastRecords(log: string, most: number): Partial<LogRecord>[] {
  let fd: number;
  try {
    fd = fs.openSync(log, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return [];
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return [];
    const length = Math.min(stat.size, most);
    const bytes = Buffer.allocUnsafe(length);
    const read = fs.readSync(fd, bytes, 0, length, stat.size - length);
    const lines = bytes.toString('utf8', 0, read).split('\n');
    // What stands before the first line feed may be the end of a record only.
    if (length < stat.size) lines.shift();
    return lines.flatMap(recordOf);
  } catch {
    return [];
  } finally {
    fs.closeSync(fd);
  }
}

const FIELDS = ['time', 'dir', 'from', 'id', 'sid', 'subject', 'body'] as const;

function recordOf(line: string): Partial<LogRecord>[] {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return [];
    const record: Record<string, unknown> = { ...value };
    return FIELDS.every((name) => record[name] === undefined || typeof record[name] === 'string') ? [record] : [];
  } catch {
    return [];
  }
}
