/**
 * Where a daemon sends its stanzas, one a line: back to sj on a descriptor (`/dev/fd/N`), into a FIFO that others write
 * as well, or onto the end of a plain file.
 */
import net from 'node:net';
import { writeAll } from './append.ts';
import { inherited } from './inherited.ts';
import { HIGH, pathOutlet } from './outlet-path.ts';
import type { OnWritten, Outlet } from './outlet-type.ts';

export type { OnWritten, Outlet };

/** Opens what option `-o` names. @throws Error if a descriptor is not open */
export function openOutlet(target: string): Outlet {
  const fd = /^\/dev\/fd\/(\d+)$/.exec(target)?.[1];
  return fd === undefined ? pathOutlet(target) : descriptorOutlet(Number(fd));
}

function descriptorOutlet(fd: number): Outlet {
  const kind = inherited(fd);
  if (kind === null) throw new Error('nobody has passed this descriptor');
  return kind === 'socket' || kind === 'fifo' ? socketOutlet(fd) : syncOutlet(fd);
}

/** Bytes or so of one write: who waits to hear of a line does not wait for many others. */
const PIECE = 65_536;

/** Lines of one turn of the event loop are written together, a piece at a time. */
function socketOutlet(fd: number): Outlet {
  const socket = new net.Socket({ fd, readable: false, writable: true });
  const drained: (() => void)[] = [];
  let complain: (error: Error) => void = () => {};
  let failure: Error | null = null;
  let lines: string[] = [];
  let fates: (OnWritten | undefined)[] = [];
  let writing: (OnWritten | undefined)[] = [];
  let size = 0;
  let full = false;
  let busy = false;
  let finish: (() => void) | null = null;

  const tell = (told: readonly (OnWritten | undefined)[], error: Error | null) => {
    for (const fate of told) fate?.(error);
  };

  const gone = (error: Error) => {
    if (failure !== null) return;
    failure = error;
    const lost = [...writing, ...fates];
    lines = [];
    writing = [];
    fates = [];
    tell(lost, error);
    complain(error);
    drain();
  };
  socket.on('error', gone);

  function drain(): void {
    full = false;
    for (const listener of drained) listener();
  }

  function write(): void {
    busy = lines.length > 0;
    if (!busy) {
      if (full) drain();
      finish?.();
      return;
    }
    let count = 0;
    let length = 0;
    while (count < lines.length && length < PIECE) length += lines[count++]!.length;
    writing = fates.splice(0, count);
    socket.write(`${lines.splice(0, count).join('\n')}\n`, (error) => {
      if (error) gone(error);
      // Node tells of success also when it has destroyed the socket with the write undone.
      if (failure !== null || socket.destroyed) return;
      const told = writing;
      writing = [];
      size -= length;
      tell(told, null);
      write();
    });
  }

  return {
    send(line, fate) {
      if (failure !== null) {
        fate?.(failure);
        return true;
      }
      if (!busy) setImmediate(write);
      busy = true;
      lines.push(line);
      fates.push(fate);
      size += line.length;
      if (size >= HIGH) full = true;
      return !full;
    },
    onDrain: (listener) => void drained.push(listener),
    onError(listener) {
      complain = listener;
    },
    get broken() {
      return failure !== null;
    },
    end(patience) {
      return new Promise((resolve) => {
        if (socket.closed) return resolve();
        const giveUp = () => socket.destroy(new Error('nobody reads what is sent'));
        const timer = patience === undefined ? undefined : setTimeout(giveUp, patience);
        socket.on('close', () => {
          clearTimeout(timer);
          resolve();
        });
        finish = () => socket.end(() => socket.destroy());
        if (!busy) finish();
      });
    },
  };
}

/** A file or a device, which takes everything at once. */
function syncOutlet(fd: number): Outlet {
  let complain: (error: Error) => void = () => {};
  let broken = false;
  return {
    send(line, fate) {
      let failure: Error | null = null;
      try {
        writeAll(fd, Buffer.from(`${line}\n`));
      } catch (error) {
        failure = error as Error;
      }
      broken = failure !== null;
      fate?.(failure);
      if (failure !== null) complain(failure);
      return true;
    },
    onDrain() {},
    onError(listener) {
      complain = listener;
    },
    get broken() {
      return broken;
    },
    end: async () => {},
  };
}
