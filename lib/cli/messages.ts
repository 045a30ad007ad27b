/** What a program writes to stderr: `NAME: warning: MESSAGE`. */

import { printable } from '../sys/printable.ts';

export type Say = {
  /** `NAME: warning: MESSAGE` on stderr. */
  warn: (message: string) => void;
  /** `NAME: fatal: MESSAGE` on stderr. It does not end the program. */
  fatal: (message: string) => void;
  /** `NAME: MESSAGE` on stderr. */
  info: (message: string) => void;
};

/** The voice of a program. @param write must not block */
export function voice(name: string, write: (text: string) => void): Say {
  const say = (text: string) => write(`${name}: ${printable(text)}\n`);
  return { warn: (m) => say(`warning: ${m}`), fatal: (m) => say(`fatal: ${m}`), info: say };
}
