/** What may happen to a directory. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Place } from './place.ts';

export type Step = {
  op: 'write' | 'over' | 'append' | 'fifo' | 'dir' | 'link' | 'socket' | 'device' | 'mode' | 'remove' | 'move';
  /** Within the account directory, as bytes in a text; empty for itself. */
  at: string;
  /** A content, the target of a link or a move, a mode. */
  data: string;
};

/** What cannot be done is not done: the case before may have changed what this one is about. */
export function take(place: Place, { op, at, data }: Step): void {
  // A name has any bytes.
  const file = Buffer.concat([Buffer.from(`${place.dir}/`), Buffer.from(at, 'latin1')]);
  const bytes = Buffer.from(data, 'latin1');
  try {
    // A link may have led elsewhere, and who follows it there would be us.
    const parent = fs.realpathSync(file.subarray(0, file.lastIndexOf(0x2f)), 'latin1');
    if (!`${parent}/`.startsWith(`${fs.realpathSync(place.dir, 'latin1')}/`)) return;
    switch (op) {
      case 'write':
        clear(file);
        return fs.writeFileSync(file, bytes, { mode: 0o600 });
      case 'over':
      case 'append': {
        const { O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK, O_TRUNC, O_WRONLY } = fs.constants;
        const fd = fs.openSync(
          file,
          O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (op === 'over' ? O_TRUNC : O_APPEND),
          0o600,
        );
        fs.writeSync(fd, bytes);
        return fs.closeSync(fd);
      }
      case 'fifo':
        clear(file);
        return void execFileSync('mkfifo', ['-m', '600', '--', file.toString()], { stdio: 'ignore' });
      case 'dir':
        if (data === 'clear') clear(file);
        return fs.mkdirSync(file, { mode: 0o700 });
      case 'link':
        clear(file);
        return fs.symlinkSync(data, file);
      case 'socket':
        clear(file);
        return void execFileSync(
          'python3',
          ['-c', 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', file.toString()],
          { stdio: 'ignore' },
        );
      case 'device':
        clear(file);
        return void execFileSync('mknod', [file.toString(), 'c', '1', data], { stdio: 'ignore' });
      case 'mode':
        // It would be that of what the link leads to.
        if (fs.lstatSync(file).isSymbolicLink()) return;
        return fs.chmodSync(file, Number.parseInt(data, 8));
      case 'remove':
        return clear(file);
      case 'move':
        return fs.renameSync(file, path.join(data === 'away' ? place.report : place.dir, data));
    }
  } catch {}
}

const clear = (file: Buffer) =>
  fs.rmSync(file.toString('latin1').match(/[^\x00-\x7f]/) ? file : file.toString(), { recursive: true, force: true });
