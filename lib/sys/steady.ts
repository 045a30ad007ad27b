/**
 * A FIFO that stays, whatever becomes of its path: where it was removed it is made again, and where something else is in
 * its place, that is told once, and it is read again when that has gone.
 */
import fs from 'node:fs';
import { reason } from './errno.ts';
import { type FifoReader, openFifo } from './fifo.ts';
import { mkfifos } from './mkfifo.ts';

export type SteadyEvents = {
  /** Bytes; the buffer is used again after the call. */
  data(chunk: Buffer): void;
  /** The last writer has closed. */
  eof(): void;
  /** Told once why it can't be read; it is tried again until it can. */
  trouble(why: string): void;
};

export type SteadyFifo = Omit<FifoReader, 'current' | 'finish'> & {
  /** Looks now whether the path still leads to it. */
  check(): void;
};

/** How often the path is looked at while all is well, and while it is not, in milliseconds. */
const LOOK = 5000;
const AGAIN = 1000;

/** How long writers of a FIFO that was replaced have, without a byte, before it is left. */
const GRACE = 250;

/** @throws Error if the path is no FIFO or cannot be opened now */
export function openSteadyFifo(file: string, on: SteadyEvents): SteadyFifo {
  let paused = false;
  let closed = false;
  let troubled = false;
  let timer: NodeJS.Timeout;
  let reader: FifoReader | null = open();
  later(LOOK);

  function open(): FifoReader {
    const made = openFifo(file, {
      data: on.data,
      eof: on.eof,
      error(error) {
        made.close();
        if (reader === made) lost(error);
      },
    });
    if (paused) made.pause();
    return made;
  }

  function lost(error: unknown): void {
    reader = null;
    if (closed) return;
    if (!troubled) on.trouble(reason(error));
    troubled = true;
    later(AGAIN);
  }

  function later(time: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void look(), time);
    timer.unref();
  }

  async function look(): Promise<void> {
    if (closed || reader?.current()) return closed ? undefined : later(LOOK);
    const before = reader;
    reader = null;
    try {
      if (fs.lstatSync(file, { throwIfNoEntry: false }) === undefined) await mkfifos([file]);
      if (closed) return before?.close();
      reader = open();
      troubled = false;
      later(LOOK);
    } catch (error) {
      lost(error);
    }
    // Who has it open may be in the middle of a line.
    await before?.drain(GRACE);
  }

  return {
    pause() {
      paused = true;
      reader?.pause();
    },
    resume() {
      paused = false;
      reader?.resume();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      reader?.close();
    },
    check: () => void look(),
    async drain(grace) {
      closed = true;
      clearTimeout(timer);
      await reader?.drain(grace);
    },
  };
}
