import { readFileSync } from 'node:fs';

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

/** Whether our process group is the one that the terminal's keys speak to. Without /proc: as if there were no terminal. */
function inForeground(): boolean {
  try {
    // proc(5): after the name in parentheses come state, ppid, pgrp, session, tty_nr, tpgid.
    const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)!.split(' ');
    return fields[2] === fields[5];
  } catch {
    return false;
  }
}
