/** A front end: writes lines into a contact's `in`, as a shell does for each line, or holding it open. */
import fs from 'node:fs';
import { errno } from '../../lib/sys/errno.ts';

export type Writer = {
  /** Writes a line, now or as soon as somebody takes it. */
  write(line: string): void;
  /** How many lines wait for somebody to take them. */
  readonly waiting: number;
  /** How often nobody did. */
  readonly refused: number;
  close(): void;
};

const AGAIN = 20;
const TRANSIENT = new Set(['ENXIO', 'EPIPE', 'EAGAIN', 'ENOENT']);

/** @param written told when the system has taken a line */
export function createWriter(fifo: string, holds: boolean, written: (line: string) => void): Writer {
  const { O_NONBLOCK, O_WRONLY } = fs.constants;
  const queue: string[] = [];
  let fd = -1;
  let refused = 0;
  let timer: NodeJS.Timeout | null = null;

  function hangUp(): void {
    if (fd >= 0) fs.closeSync(fd);
    fd = -1;
  }

  function run(): void {
    timer = null;
    while (queue.length > 0) {
      const line = queue[0]!;
      try {
        if (fd < 0) fd = fs.openSync(fifo, O_WRONLY | O_NONBLOCK);
        fs.writeSync(fd, `${line}\n`);
      } catch (error) {
        if (!TRANSIENT.has(errno(error))) throw error;
        refused++;
        if (errno(error) !== 'EAGAIN') hangUp();
        timer = setTimeout(run, AGAIN);
        return;
      }
      if (!holds) hangUp();
      queue.shift();
      written(line);
    }
  }

  return {
    write(line) {
      queue.push(line);
      if (timer === null) run();
    },
    get waiting() {
      return queue.length;
    },
    get refused() {
      return refused;
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      hangUp();
    },
  };
}
