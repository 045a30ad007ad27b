import fs from 'node:fs';

/** So much of the end is read, and once more so much where that holds no whole record. */
const SIZES = [16_384, 2_097_152];
/** So many records are looked at. */
const RECORDS = 20;

/**
 * Whether the last messages of a `log` were those of a room: one of a room's members to all, or ours to it. Only the
 * file's end is read, however long it has become.
 */
export function endsInRoom(log: string): boolean {
  let fd: number;
  try {
    fd = fs.openSync(log, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return false;
    for (const most of SIZES) {
      const records = lastRecords(fd, stat.size, Math.min(stat.size, most));
      if (records.length > 0) return records.some((type) => type === 'groupchat');
    }
  } catch {
  } finally {
    fs.closeSync(fd);
  }
  return false;
}

/** The types of the last messages. */
function lastRecords(fd: number, size: number, length: number): string[] {
  const bytes = Buffer.allocUnsafe(length);
  const read = fs.readSync(fd, bytes, 0, length, size - length);
  const lines = bytes.toString('utf8', 0, read).split('\n');
  // What stands before the first line feed may be the end of a record only.
  if (length < size) lines.shift();
  return lines.slice(-RECORDS - 1).flatMap(typeOf);
}

function typeOf(line: string): string[] {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record !== 'object' || record === null || !('type' in record) || !('dir' in record)) return [];
    return (record.dir === 'in' || record.dir === 'out') && typeof record.type === 'string' ? [record.type] : [];
  } catch {
    return [];
  }
}
