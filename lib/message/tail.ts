import fs from 'node:fs';

const TAIL = 4096;

/** Whether the last message of a `log` was one of a room. Only the file's end is read, however long it has become. */
export function endsInRoom(log: string): boolean {
  let fd: number;
  try {
    fd = fs.openSync(log, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    const { size } = fs.fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, TAIL));
    fs.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const types = [...bytes.toString('utf8').matchAll(/^\{"time":.*?"dir":"in".*?"type":"(\w+)"/gm)];
    return types.at(-1)?.[1] === 'groupchat';
  } catch {
    return false;
  } finally {
    fs.closeSync(fd);
  }
}
