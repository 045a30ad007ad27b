/** Limits of conversations, and their defaults. */
import type { LimitsOf } from '../cli/limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export const CHAT_LIMITS = {
  /** Bytes of a message that goes out, as it is written for the server. */
  send: 256 * KIB,
  /** Bytes of a line of `in`. */
  line: MIB,
  /** New contacts within an hour. */
  new: 20_000,
  /** Bytes a second from somebody unknown. */
  flood: MIB,
  /** Contacts whose `in` is open. */
  contacts: 20_000,
} as const;

export type ChatLimits = LimitsOf<keyof typeof CHAT_LIMITS>;
