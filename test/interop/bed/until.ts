import { setTimeout as pause } from 'node:timers/promises';

/** How long anything here may take. Wide: it is met only when something is broken. */
export const PATIENCE_MS = 30_000;
const STEP_MS = 15;

type Outcome<T> = T | false | undefined | null;

/**
 * Waits until a condition holds, and returns what it gave.
 * @param what the condition in words, for the error
 * @param look asked again and again; false, null and undefined mean not yet
 * @param show what to print when it never came true
 * @param patience milliseconds
 */
export async function until<T>(
  what: string,
  look: () => Outcome<T> | Promise<Outcome<T>>,
  show: () => string = () => '',
  patience = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain for ${what}\n${show()}`);
    await pause(STEP_MS);
  }
}
