import { EXIT, Fatal } from './exit.ts';

/** The number of an option's value (`-p 3`). @throws Fatal 100 if it is none */
export function descriptor(text: string, option: string): number {
  if (!/^(0|[1-9][0-9]{0,3})$/.test(text)) throw new Fatal(EXIT.usage, `option ${option}: not a descriptor: ${text}`);
  return Number(text);
}
