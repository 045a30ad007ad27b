import { printable } from '../cli/die.ts';

/** Shows what is sent and received, one line a stanza, with whatever is secret blotted out. */
export type Trace = (direction: 'sent' | 'recv', text: string) => void;

const SECRET_ELEMENTS =
  /<((?:[\w-]+:)?(?:auth|response|challenge|success|authenticate|password|token)\b[^>]*?(?<!\/))>[^<]*</g;

/** A trace for stderr, or one that does nothing. */
export function createTrace(on: boolean, write: (line: string) => void): Trace {
  if (!on) return () => {};
  return (direction, text) => write(`${direction}: ${printable(text.replace(SECRET_ELEMENTS, '<$1>(secret)<'))}`);
}
