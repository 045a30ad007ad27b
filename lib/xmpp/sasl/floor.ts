/**
 * The floor of an account: the mechanism that worked last time. Nothing weaker is used later, so that somebody in
 * between cannot talk us down by shortening the server's list.
 *
 * XEP-0474 demands this only between PLAIN and the rest and leaves the rest to its own hash, which few servers send;
 * so we hold the mechanism itself. SCRAM has two strengths that do not make up for each other: the binding (against
 * a TLS connection in strange hands) and the hash (against guessing from a recorded proof). A mechanism is below the
 * floor if it is weaker in either: SCRAM-SHA-512 does not replace SCRAM-SHA-1-PLUS, nor the other way round.
 */

/** What sj can do, in the order in which it is preferred. */
export const MECHANISMS = [
  'EXTERNAL',
  'SCRAM-SHA-512-PLUS',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'PLAIN',
] as const;

export type Mechanism = (typeof MECHANISMS)[number];

export function isMechanism(name: string): name is Mechanism {
  return (MECHANISMS as readonly string[]).includes(name);
}

/** The parts of a SCRAM mechanism's name, or null for another mechanism. */
export function scramParts(name: Mechanism): { hash: 'SHA-1' | 'SHA-256' | 'SHA-512'; plus: boolean } | null {
  const parts = /^SCRAM-(SHA-(?:1|256|512))(-PLUS)?$/.exec(name);
  return parts && { hash: parts[1] as 'SHA-1' | 'SHA-256' | 'SHA-512', plus: parts[2] !== undefined };
}

const bits = (hash: string) => Number(hash.slice(4));

/**
 * Whether a mechanism is good enough. What we ourselves can no longer do is no sign of an attack and is not asked for:
 * binding when TLS is not ours, EXTERNAL without a certificate. PLAIN is never good enough above its own floor.
 * @param can what this session can do; the default is everything
 */
export function reaches(
  name: Mechanism,
  floor: Mechanism | null,
  can: { bind: boolean; external: boolean } = { bind: true, external: true },
): boolean {
  if (floor === null || floor === 'PLAIN' || name === 'EXTERNAL') return true;
  const mine = scramParts(name);
  if (mine === null) return false;
  const wanted = scramParts(floor);
  if (wanted === null) return !can.external;
  return bits(mine.hash) >= bits(wanted.hash) && (mine.plus || !wanted.plus || !can.bind);
}

/** The floor to store after a mechanism has worked: it never sinks, and it always is a mechanism that was really used. */
export function floorAfter(used: Mechanism, floor: string | null): Mechanism {
  return floor !== null && isMechanism(floor) && !reaches(used, floor) ? floor : used;
}
