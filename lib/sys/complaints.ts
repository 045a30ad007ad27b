import { reason } from './errno.ts';

export type Complaints = {
  /** Says once what is wrong with a thing; again only when that changes, or comes back after it was well. */
  report(thing: string, doing: string, error: unknown): void;
  /** It works. */
  well(thing: string): void;
  /** Says what is kept in mind elsewhere. */
  warn(message: string): void;
};

/** Remembers what has been complained of, so that a thing tried again and again is complained of once. */
export function createComplaints(warn: (message: string) => void): Complaints {
  const known = new Map<string, string>();
  return {
    report(thing, doing, error) {
      const why = reason(error);
      if (known.get(thing) === why) return;
      // Whoever has that many troubles has one, and has heard of it.
      if (known.size >= 1000) known.clear();
      known.set(thing, why);
      warn(`cannot ${doing} ${thing}: ${why}`);
    },
    well: (thing) => void known.delete(thing),
    warn,
  };
}
