/** Answers, on their way to who asked: into `DIR/ID`. */
import { setMaxListeners } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { reason } from '../cli/die.ts';
import { replaceFile } from '../files/replace.ts';
import { type Patience, writeFifo } from './pipe.ts';

/** How long an answer waits for a reader, and the reader may take, in milliseconds. */
export const ANSWER_PATIENCE: Patience = { reader: 10_000, reading: 10_000 };

/** How many answers may wait for their readers. */
const MOST_WAITING = 64;

export type Delivery = {
  /**
   * Puts an answer where its asker waits for it: into the FIFO of that name, else into a new file.
   * @param id an id that is fit to be a file name
   */
  deliver(id: string, answer: string): void;
  /** Gives what still waits for a reader so many milliseconds, and resolves when nothing does. */
  drain(grace: number): Promise<void>;
};

/**
 * @param dir the account directory
 * @param lost called for an answer that could not be delivered
 */
export function createDelivery(
  dir: string,
  lost: (id: string, why: string) => void,
  patience = ANSWER_PATIENCE,
): Delivery {
  /** By id, the last of the answers that wait for a reader there. */
  const waiting = new Map<string, Promise<void>>();
  const hurry = new AbortController();
  setMaxListeners(0, hurry.signal);

  const intoFifo = async (id: string, answer: string) => {
    const path = join(dir, id);
    try {
      const fate = await writeFifo(path, Buffer.from(answer), { ...patience, signal: hurry.signal });
      if (fate !== 'written') lost(id, WHY[fate]);
    } catch (error) {
      lost(id, `cannot write ${path}: ${reason(error)}`);
    }
  };

  return {
    deliver(id, answer) {
      const path = join(dir, id);
      const before = waiting.get(id);
      try {
        const kind = fs.lstatSync(path, { throwIfNoEntry: false });
        if (kind?.isDirectory()) return lost(id, `${path} is a directory`);
        if (!kind?.isFIFO()) return replaceFile(path, answer);
      } catch (error) {
        return lost(id, `cannot write ${path}: ${reason(error)}`);
      }
      if (before === undefined && waiting.size >= MOST_WAITING)
        return lost(id, 'too many answers wait for their readers');
      // Two answers into one FIFO must not mix.
      const turn = (before ?? Promise.resolve()).then(() => intoFifo(id, answer));
      waiting.set(id, turn);
      void turn.then(() => {
        if (waiting.get(id) === turn) waiting.delete(id);
      });
    },
    async drain(grace) {
      const timer = setTimeout(() => hurry.abort(), grace);
      await Promise.all(waiting.values());
      clearTimeout(timer);
    },
  };
}

const WHY = {
  unread: 'nobody reads it',
  cut: 'its reader took only a part',
  gone: 'its FIFO has been removed',
} as const;
