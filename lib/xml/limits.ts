/** How large a stanza may be, in every direction, where nobody says otherwise. */
export type Limits = {
  /** Of one stanza. */
  readonly bytes: number;
  /** Of one iq: a server sends a whole roster in one, and only it can send one so large. */
  readonly iqBytes: number;
  readonly depth: number;
  readonly attributes: number;
};

/** RFC 6120 section 13.12 asks for at least 10,000 bytes; servers take up to 256 KiB from others. */
export const LIMITS: Limits = { bytes: 262_144, iqBytes: 16_777_216, depth: 64, attributes: 64 };
