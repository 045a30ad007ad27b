/** Answers, on their way to who asked: into `DIR/ID`. */
import { setMaxListeners } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reason } from '../../sys/errno.ts';
import { replaceFile } from '../../sys/replace.ts';
import { isTransient } from '../../sys/transient.ts';
import { type Patience, writeFifo } from './pipe.ts';

/** How long an answer waits for a reader, and the reader may take, in milliseconds. */
export const ANSWER_PATIENCE: Patience = { reader: 10_000, reading: 10_000 };

/** How many answers may wait for their readers. */
const MOST_WAITING = 64;

/** How often, in milliseconds, to try again what a full disk does not allow. */
const AGAIN = 500;

export type Delivery = {
  /**
   * Puts an answer where its asker waits for it: into the FIFO of that name, else into a new file.
   * @param id an id that is fit to be a file name
   * @returns false if it was neither delivered nor lost, because we had to end and it comes again
   */
  deliver(id: string, answer: string | Uint8Array): Promise<boolean>;
  /**
   * Gives what still waits so many milliseconds, and resolves when nothing does.
   * @param again what is not delivered then comes again
   */
  drain(grace: number, again?: boolean): Promise<void>;
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
  const waiting = new Map<string, Promise<boolean>>();
  /** What is not delivered at the end comes again. */
  let comesAgain = false;
  const hurry = new AbortController();
  setMaxListeners(0, hurry.signal);

  /** @returns what `deliver` does */
  const lose = (id: string, why: string): boolean => {
    if (hurry.signal.aborted && comesAgain) return false;
    lost(id, why);
    return true;
  };

  const intoFifo = async (id: string, answer: string | Uint8Array): Promise<boolean> => {
    const path = join(dir, id);
    try {
      const fate = await writeFifo(path, typeof answer === 'string' ? Buffer.from(answer) : answer, {
        ...patience,
        signal: hurry.signal,
      });
      return fate === 'written' || lose(id, WHY[fate]);
    } catch (error) {
      return lose(id, `cannot write ${path}: ${reason(error)}`);
    }
  };

  /** As long as the disk is full, but not for ever. */
  const intoFile = async (id: string, answer: string | Uint8Array): Promise<boolean> => {
    const path = join(dir, id);
    for (const end = Date.now() + patience.reader; ; ) {
      await sleep(AGAIN, undefined, { signal: hurry.signal }).catch(() => {});
      try {
        replaceFile(path, answer);
        return true;
      } catch (error) {
        if (hurry.signal.aborted || !isTransient(error) || Date.now() > end)
          return lose(id, `cannot write ${path}: ${reason(error)}`);
      }
    }
  };

  return {
    deliver(id, answer) {
      const path = join(dir, id);
      const before = waiting.get(id);
      let work = intoFifo;
      try {
        const kind = fs.lstatSync(path, { throwIfNoEntry: false });
        if (kind?.isDirectory()) return Promise.resolve(lose(id, `${path} is a directory`));
        if (!kind?.isFIFO()) {
          replaceFile(path, answer);
          return Promise.resolve(true);
        }
      } catch (error) {
        if (!isTransient(error)) return Promise.resolve(lose(id, `cannot write ${path}: ${reason(error)}`));
        work = intoFile;
      }
      if (before === undefined && waiting.size >= MOST_WAITING)
        return Promise.resolve(lose(id, 'too many answers wait for their readers'));
      // Two answers into one FIFO must not mix.
      const turn = (before ?? Promise.resolve()).then(() => work(id, answer));
      waiting.set(id, turn);
      void turn.then(() => {
        if (waiting.get(id) === turn) waiting.delete(id);
      });
      return turn;
    },
    async drain(grace, again = false) {
      comesAgain = again;
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
