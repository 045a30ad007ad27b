/**
 * A daemon's standard input: stanzas, from sj one a line, or from anybody who pipes a file into it. A stanza that
 * cannot be read is skipped with a word about it, and the next one counts.
 */
import fs from 'node:fs';
import net from 'node:net';
import tty from 'node:tty';
import type { Element } from 'ltx';
import type { ReadOptions } from './read.ts';
import { createSplitter, type Limits } from './split.ts';

export type FeedEvents = {
  /** A whole stanza; `raw` is its text as it came, valid only during the call. */
  stanza(element: Element, raw: Buffer): void;
  /** Everything that had arrived has been handed over: the time to write it down. */
  batchEnd(): void;
  /** Why something was skipped; `counts`: it was not just cut off at the end, so it may be a stanza of somebody's. */
  skipped(why: string, counts: boolean): void;
  end(): void;
};

export type Feed = { pause(): void; resume(): void };

/**
 * Reads stanzas from a descriptor of whatever kind until its end. A read error is an end, too: what would have come is
 * still with the other side.
 * @param wants as in `ReadOptions`
 * @throws Error if the descriptor is not open for reading
 */
export function readStanzas(fd: number, on: FeedEvents, limits?: Limits, wants?: ReadOptions['wants']): Feed {
  let ended = false;
  const splitter = createSplitter(
    'lines',
    {
      stanza: ({ buf, start, end, tree }) => on.stanza(tree!, buf.subarray(start, end)),
      fault: (error) => on.skipped(error.message, !ended),
    },
    { build: true, wants, ...(limits && { limits }) },
  );
  const data = (chunk: Buffer) => {
    splitter.push(chunk);
    on.batchEnd();
  };
  const end = () => {
    if (ended) return;
    ended = true;
    splitter.eof();
    on.batchEnd();
    on.end();
  };
  return source(fd, data, end);
}

const CHUNK = 65_536;

function source(fd: number, data: (chunk: Buffer) => void, end: () => void): Feed {
  const stat = fs.fstatSync(fd);
  if (stat.isSocket() || stat.isFIFO()) {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    let paused = false;
    const callback = (length: number): boolean => {
      data(buffer.subarray(0, length));
      return !paused;
    };
    const settings: net.SocketConstructorOpts & net.ConnectOpts = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer, callback },
    };
    const socket = new net.Socket(settings);
    socket.on('end', end);
    socket.on('error', end);
    socket.on('close', end);
    socket.resume();
    return {
      pause: () => {
        paused = true;
        socket.pause();
      },
      resume: () => {
        paused = false;
        socket.resume();
      },
    };
  }
  const stream = tty.isatty(fd) ? new tty.ReadStream(fd) : fs.createReadStream('', { fd, highWaterMark: CHUNK });
  stream.on('data', (chunk: Buffer | string) => data(chunk as Buffer));
  stream.on('end', end);
  stream.on('error', end);
  return { pause: () => void stream.pause(), resume: () => void stream.resume() };
}
