/**
 * Who is a stranger, and how much a stranger may bring: so many bytes a second into `out` and `log`. Nobody is who is in
 * the roster, or to whom something was sent since the start; for them it costs one look into a table.
 */
import { createRateLimit, type RateLimit } from '../sys/rate-limit.ts';
import type { Friends } from '../tree/newcomers.ts';

export type Strangers = {
  /**
   * Whether a contact may add so much to its files now.
   * @param room whether it comes from a room
   * @param now a monotonic clock in milliseconds
   */
  may(contact: string, length: number, room: boolean, now: number): boolean;
  /** Whether the user knows the contact. @param room whether it is about what comes from a room */
  knows(contact: string, room: boolean): boolean;
  /** The user has written to the contact. */
  markKnown(contact: string): void;
  forget(contact: string): void;
};

/** Bytes that may come at once: what so many seconds bring, but at least this. */
const BURST = { seconds: 64, least: 262_144 };

/** In a room many speak, and it begins with what was said before. */
const ROOM = 16;

/** So many are remembered. */
const MOST = 65_536;

/** @param rate bytes a second */
export function createStrangers(friends: Friends, rate: number): Strangers {
  /** Null: no stranger. */
  type Known = Map<string, RateLimit | null>;
  const single: Known = new Map();
  const rooms: Known = new Map();
  const burst = Math.max(BURST.least, BURST.seconds * rate);

  function remember(known: Known, contact: string, what: RateLimit | null): void {
    if (known.size >= MOST) known.delete(known.keys().next().value!);
    known.set(contact, what);
  }

  return {
    may(contact, length, room, now) {
      const known = room ? rooms : single;
      let bucket = known.get(contact);
      if (bucket === null) return true;
      if (bucket === undefined) {
        const times = room ? ROOM : 1;
        bucket = friends.has(contact) ? null : createRateLimit(times * rate, times * burst, now);
        remember(known, contact, bucket);
      }
      if (bucket === null || bucket.take(length, now)) return true;
      // The user may have come to know them.
      if (!friends.has(contact)) return false;
      known.set(contact, null);
      return true;
    },
    knows: (contact, room) => (room ? rooms : single).get(contact) === null || friends.has(contact),
    markKnown(contact) {
      if (single.get(contact) !== null) remember(single, contact, null);
    },
    forget(contact) {
      single.delete(contact);
      rooms.delete(contact);
    },
  };
}
