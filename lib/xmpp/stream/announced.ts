/** What a server will not take, as it tells in its features (XEP-0478 0.2.0); and how not to be silent for too long. */

import type { Element } from 'ltx';
import { LIMITS_NS } from '../ns.ts';

export type Announced = {
  /** Bytes of one stanza. */
  readonly bytes: number;
  /** Milliseconds after which who has sent nothing may be taken for gone. */
  readonly idle: number;
};

export const NOTHING_ANNOUNCED: Announced = { bytes: Number.POSITIVE_INFINITY, idle: Number.POSITIVE_INFINITY };

/** Reads it from `<stream:features/>`; what is no number above zero says nothing. */
export function announced(features: Element | null): Announced {
  const limits = features?.getChild('limits', LIMITS_NS);
  const number = (name: string) => {
    const text = limits?.getChildText(name, LIMITS_NS)?.trim() ?? '';
    return /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : Number.POSITIVE_INFINITY;
  };
  return { bytes: number('max-bytes'), idle: 1000 * number('idle-seconds') };
}

/** Pure: the caller has the clock, a monotonic one in milliseconds. */
export type Idleness = {
  /** Something was sent. */
  wrote(now: number): void;
  /** Whether something has to be sent now, and in how many milliseconds to ask again. */
  check(now: number): { speak: boolean; next: number };
};

/** @param idle the longest silence; half of it is spent, so that what is sent late still comes in time */
export function createIdleness(idle: number, now: number): Idleness {
  let last = now;
  return {
    wrote(at) {
      last = at;
    },
    check(at) {
      const left = last + idle / 2 - at;
      return left <= 0 ? { speak: true, next: idle / 2 } : { speak: false, next: left };
    },
  };
}
