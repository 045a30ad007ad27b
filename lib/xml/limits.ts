/** How large a stanza may be, in every direction, where nobody says otherwise. */
export type Limits = {
  /** Of one stanza. */
  readonly bytes: number;
  /** Of one iq: a server sends a whole roster in one, and only it can send one so large. */
  readonly iqBytes: number;
  readonly depth: number;
  readonly attributes: number;
};

/**
 * So many elements of a stanza become a tree: they tell what it is, and a tree takes fifty times the memory of its text.
 */
export const HEAD = 10_000;

/** What may come before the login, from anybody who is in between: the features of a server, and the steps of SASL. */
export const BEFORE_LOGIN: Limits = { bytes: 65_536, iqBytes: 65_536, depth: 16, attributes: 64 };

/**
 * RFC 6120 section 13.12 asks for at least 10,000 bytes; servers take up to 512 KiB from each other, and may write each
 * character anew as one of six bytes when they hand it on.
 */
export const LIMITS: Limits = { bytes: 6 * 524_288, iqBytes: 16_777_216, depth: 64, attributes: 64 };
