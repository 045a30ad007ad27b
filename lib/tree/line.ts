/** The line that shows a contact's presence to the user. */
import { printable } from '../sys/printable.ts';

export type Show = 'online' | 'chat' | 'away' | 'xa' | 'dnd';

/** Characters of a status text that count, in both directions. */
export const STATUS_LIMIT = 1024;

const SPACES = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/** `SHOW`, or `SHOW STATUS`. */
export function presenceLine(show: Show, status: string): string {
  const text = oneLine(status);
  return text === '' ? show : `${show} ${text}`;
}

/**
 * A text of a stranger as it may be shown. It ends on a terminal, so it is brought to one line of bounded length, and
 * what would act on a terminal, or turn around what follows, becomes U+FFFD.
 */
export function oneLine(text: string): string {
  return printable(truncate(text.replace(SPACES, ' ').trim(), STATUS_LIMIT).trimEnd());
}

/** The first `limit` characters (code points) of a text. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // A code point is two units at most, so no more of a long text need be looked at.
  return Array.from(text.slice(0, 2 * limit))
    .slice(0, limit)
    .join('');
}
