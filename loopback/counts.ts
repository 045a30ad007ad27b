/** The counting of stream management: XEP-0198, section 4. Plain data; nothing here knows of connections. */
import type { Element } from './xml.ts';

const ROUND = 2 ** 32;

export type Unacknowledged = { stanza: Element; sentAt: Date };

export type Counts = {
  /** Stanzas of the client that were handled, modulo 2^32. */
  received: number;
  /** Stanzas for the client, whether its connection was there or not, modulo 2^32. */
  sent: number;
  /** The last of those, which the client has not acknowledged; oldest first. */
  waiting: Unacknowledged[];
};

export const plus = (n: number, more: number): number => (((n + more) % ROUND) + ROUND) % ROUND;

/** A count as it stands in an attribute, undefined if it is none. */
export function parseCount(s: string | undefined): number | undefined {
  if (s === undefined || !/^\d{1,10}$/.test(s)) return undefined;
  const n = Number(s);
  return n < ROUND ? n : undefined;
}

/**
 * The client has handled `h` stanzas: those are done with.
 * @returns false where it acknowledges more than it was sent, or less than before; nothing changes then
 */
export function acknowledge(counts: Counts, h: number): boolean {
  const open = plus(counts.sent, -h);
  if (open > counts.waiting.length) return false;
  counts.waiting.splice(0, counts.waiting.length - open);
  return true;
}
