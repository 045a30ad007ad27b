/**
 * Reading a FIFO that many programs write, each opening it for a line or holding it for hours. The descriptor for the
 * next writers is opened before the old one is closed: there is always a reader, so no writer meets a closed pipe and
 * no line falls between two of them.
 */
import fs from 'node:fs';
import net from 'node:net';
import { look } from './look.ts';

export type FifoEvents = {
  /** Bytes; the buffer is used again after the call. */
  data(chunk: Buffer): void;
  /** The last writer has closed. */
  eof(): void;
  /** It can't be read any more; it is to be closed. */
  error(error: Error): void;
};

export type FifoReader = {
  /** Stops reading at once: what is written stays in the pipe, and then writers wait. */
  pause(): void;
  resume(): void;
  close(): void;
  /** Takes what is in the pipe now, then closes. */
  finish(): void;
  /** Whether the path still leads to the FIFO that is being read. */
  current(): boolean;
  /**
   * Reads what writers still have to say, until there are none, or for `grace` milliseconds without a byte, or twice as
   * long in all; then closes. While it is paused it waits for as long and takes what is in the pipe then.
   */
  drain(grace: number): Promise<void>;
};

type Drain = { heard(): void; done(): void };

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;

/** All FIFOs share it: a chunk is used up before the next one is read. */
const BUFFER = Buffer.allocUnsafeSlow(65_536);

/** As often as this the buffer is filled at once; a pipe that has more is being written faster than it is read. */
const MOST_READS = 16;

/** @throws Error if the path is no FIFO or cannot be opened */
export function openFifo(path: string, on: FifoEvents): FifoReader {
  let paused = false;
  let closed = false;
  let draining: Drain | null = null;
  let untouched = true;
  let fifo = open(path);
  let socket = attach(fifo.fd);

  function attach(fd: number): net.Socket {
    const callback = (length: number): boolean => {
      untouched = false;
      draining?.heard();
      on.data(BUFFER.subarray(0, length));
      return !paused;
    };
    const settings: net.SocketConstructorOpts & net.ConnectOpts = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: BUFFER, callback },
    };
    const made = new net.Socket(settings);
    made.on('end', ended);
    made.on('error', (error) => {
      if (!closed) on.error(error);
    });
    // A socket reads from its making on.
    if (paused) made.pause();
    else made.resume();
    return made;
  }

  /** Takes what is in the pipe now. @returns whether there is a writer, or may be more to read */
  function readNow(force: boolean): boolean {
    let found = false;
    for (let i = 0; i < MOST_READS && (force || !paused); i++) {
      const length = readSome(fifo.fd);
      if (length === null) return true;
      if (length === 0) {
        if (found) on.eof();
        return false;
      }
      found = true;
      on.data(BUFFER.subarray(0, length));
      if (closed) return false;
    }
    return true;
  }

  function ended(): void {
    if (closed) return;
    on.eof();
    if (closed) return;
    const old = socket;
    try {
      fifo = open(path);
    } catch (error) {
      old.destroy();
      on.error(error as Error);
      draining?.done();
      return;
    }
    // Of a writer who came and went before that open, poll(2) on the new descriptor shows what it wrote, but not
    // that it has gone (Linux counts writers from the open on); a read does.
    const more = readNow(false);
    old.destroy();
    if (closed) {
      fs.closeSync(fifo.fd);
      return;
    }
    socket = attach(fifo.fd);
    if (!more) draining?.done();
  }

  function finish(): void {
    if (closed || socket.destroyed) return;
    readNow(true);
    on.eof();
    close();
  }

  function close(): void {
    closed = true;
    socket.destroy();
    draining?.done();
  }

  return {
    pause() {
      paused = true;
      socket.pause();
    },
    resume() {
      if (!paused) return;
      paused = false;
      if (closed) return;
      // Who was here before us may have left something unread, whose writer has gone: see `ended`.
      if (untouched) readNow(false);
      untouched = false;
      if (!closed && !paused) socket.resume();
    },
    close,
    finish,
    current() {
      const there = look(path);
      return there?.ino === fifo.ino && there.dev === fifo.dev;
    },
    drain(grace) {
      if (closed || socket.destroyed) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          clearTimeout(limit);
          draining = null;
          finish();
          resolve();
        };
        const limit = setTimeout(done, 2 * grace);
        let timer = setTimeout(done, grace);
        const heard = () => {
          clearTimeout(timer);
          timer = setTimeout(done, grace);
        };
        draining = { heard, done };
      });
    },
  };
}

function open(path: string): { fd: number; ino: number; dev: number } {
  const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  const stat = fs.fstatSync(fd);
  if (stat.isFIFO()) return { fd, ino: stat.ino, dev: stat.dev };
  fs.closeSync(fd);
  throw new Error('not a FIFO');
}

/**
 * How many bytes came into the buffer: 0 if there is no writer, null if the writers have nothing to say now, or it
 * can't be read, which the socket will find out, too.
 */
function readSome(fd: number): number | null {
  try {
    return fs.readSync(fd, BUFFER, 0, BUFFER.length, null);
  } catch {
    return null;
  }
}
