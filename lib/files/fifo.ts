/**
 * Reading a FIFO that many programs write, each opening it for a line or holding it for hours. The descriptor for the
 * next writers is opened before the old one is closed: there is always a reader, so no writer meets a closed pipe and
 * no line falls between two of them.
 */
import fs from 'node:fs';
import net from 'node:net';

export type FifoEvents = {
  /** Bytes; the buffer is used again after the call. */
  data(chunk: Buffer): void;
  /** The last writer has closed. */
  eof(): void;
  error(error: Error): void;
};

export type FifoReader = {
  pause(): void;
  resume(): void;
  close(): void;
  /** Reads what writers still have to say, until there are none, or for `grace` milliseconds without a byte; then closes. */
  drain(grace: number): Promise<void>;
};

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;

/** All FIFOs share it: a chunk is used up before the next one is read. */
const BUFFER = Buffer.allocUnsafeSlow(65_536);

/** @throws Error if the path is no FIFO or cannot be opened */
export function openFifo(path: string, on: FifoEvents): FifoReader {
  let paused = false;
  let closed = false;
  let drained: { rearm(): void; done(): void } | null = null;
  let socket = attach(open(path));

  function attach(fd: number): net.Socket {
    const callback = (length: number): boolean => {
      on.data(BUFFER.subarray(0, length));
      drained?.rearm();
      return !paused;
    };
    const settings: net.SocketConstructorOpts & net.ConnectOpts = { fd, readable: true, writable: false, onread: { buffer: BUFFER, callback } };
    const made = new net.Socket(settings);
    made.on('end', ended);
    made.on('error', (error) => {
      if (!closed) on.error(error);
    });
    if (!paused) made.resume();
    return made;
  }

  function ended(): void {
    if (closed) return;
    const old = socket;
    let failure: Error | null = null;
    if (drained === null) {
      try {
        socket = attach(open(path));
      } catch (error) {
        failure = error as Error;
      }
    }
    old.destroy();
    on.eof();
    if (failure !== null) on.error(failure);
    drained?.done();
  }

  function close(): void {
    closed = true;
    socket.destroy();
    drained?.done();
  }

  return {
    pause() {
      paused = true;
      socket.pause();
    },
    resume() {
      if (!paused) return;
      paused = false;
      if (!closed) socket.resume();
    },
    close,
    drain(grace) {
      if (closed) return Promise.resolve();
      paused = false;
      socket.resume();
      return new Promise((resolve) => {
        let timer: NodeJS.Timeout;
        const done = () => {
          clearTimeout(timer);
          drained = null;
          if (!closed) close();
          resolve();
        };
        const rearm = () => {
          clearTimeout(timer);
          timer = setTimeout(done, grace);
        };
        drained = { rearm, done };
        rearm();
      });
    },
  };
}

function open(path: string): number {
  const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  if (fs.fstatSync(fd).isFIFO()) return fd;
  fs.closeSync(fd);
  throw new Error('not a FIFO');
}
