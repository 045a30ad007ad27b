/** Limits of presence, and their defaults. */
import type { LimitsOf } from '../cli/limits.ts';

export const PRESENCE_LIMITS = {
  /** Contacts whose presence is kept. */
  contacts: 20_000,
  /** Devices of one contact. */
  resources: 64,
  /** New contacts within an hour. */
  new: 20_000,
} as const;

export type PresenceLimits = LimitsOf<keyof typeof PRESENCE_LIMITS>;
