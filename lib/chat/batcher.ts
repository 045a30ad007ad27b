/** Collects what is written down together. */
import { growOnce } from '../sys/heap.ts';

/** Bytes of messages that may be waiting to be written down together. */
const MOST_TOGETHER = 2 * 1_048_576;

/** So many bytes at once are a burst: as long as it goes on, so many milliseconds at most, more is waited for. */
const BURST = 65_536;
const PATIENT = 40;
const STALL = 200;

/** The clock is looked at once for so many messages. */
const CLOCK = 16;

/**
 * What was read in one turn of the event loop is written down together. Of a burst more is taken together: a file that
 * gets ten lines at once costs about as much as one that gets a single line.
 */
export function createBatcher(flush: () => void) {
  let scheduled = false;
  let size = 0;
  let seen = 0;
  let count = 0;
  let since = 0;
  let timer: NodeJS.Timeout | null = null;
  const grown = growOnce();

  function run(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    scheduled = false;
    size = seen = count = 0;
    flush();
    grown();
  }

  const late = (patience: number) => performance.now() - since > patience;

  function look(): void {
    if (!scheduled) return;
    timer = null;
    if (size < BURST || size === seen || late(PATIENT)) return run();
    seen = size;
    timer = setTimeout(look, 1);
  }

  return {
    soon(): void {
      if (scheduled) return;
      scheduled = true;
      setImmediate(look);
    },
    /** @param bytes how much has come */
    add(bytes: number): void {
      if (count === 0) since = performance.now();
      size += bytes;
      // To meet somebody new can take long: what was said before that is not to wait for all of them.
      if (size > MOST_TOGETHER || (++count % CLOCK === 0 && late(STALL))) run();
    },
  };
}
