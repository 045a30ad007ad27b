import fs from 'node:fs';

/** Gives the whole lines that a file has got since the last call; none as long as it is not there. */
export function createTail(file: string): () => string[] {
  let at = 0;
  let rest = Buffer.alloc(0);
  return () => {
    let fd: number;
    try {
      fd = fs.openSync(file, 'r');
    } catch {
      return [];
    }
    try {
      const size = fs.fstatSync(fd).size;
      if (size < at) throw new Error(`${file} has become smaller`);
      if (size === at) return [];
      const bytes = Buffer.allocUnsafe(size - at);
      const got = fs.readSync(fd, bytes, 0, bytes.length, at);
      at += got;
      const all = Buffer.concat([rest, bytes.subarray(0, got)]);
      const end = all.lastIndexOf(0x0a) + 1;
      rest = Buffer.from(all.subarray(end));
      return end === 0 ? [] : all.toString('utf8', 0, end - 1).split('\n');
    } finally {
      fs.closeSync(fd);
    }
  };
}
