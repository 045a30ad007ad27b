import { inForeground } from '../../cli/terminal.ts';

const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/**
 * Takes signals in the place of their default effect.
 * @param on is told of each. `typed`: a terminal has sent it to the whole foreground group, children included
 * @returns ends it
 */
export function takeSignals(
  names: readonly NodeJS.Signals[],
  on: (signal: NodeJS.Signals, typed: boolean) => void,
): () => void {
  const took = (signal: NodeJS.Signals) => on(signal, FROM_TERMINAL.includes(signal) && inForeground());
  for (const name of names) process.on(name, took);
  return () => {
    for (const name of names) process.off(name, took);
  };
}
