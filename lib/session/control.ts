/**
 * What a connection program and its daemons say to each other between the frames, if a daemon knows of it: who has dealt
 * with what. A daemon that never says hello is told nothing of the kind. How it looks on the pipe is up to the protocol.
 */

export type Control =
  /** A daemon knows of all this. */
  | { readonly what: 'hello' }
  /** A daemon has dealt with everything up to this number. */
  | { readonly what: 'done'; readonly n: number }
  /** So many of the stanzas that a daemon sends next may have been taken before. */
  | { readonly what: 'again'; readonly n: number }
  /** The session `id` is there, perhaps as the continuation of an earlier one; the next stanza has the number n + 1. */
  | {
      readonly what: 'session';
      readonly id: string;
      readonly n: number;
      readonly resumed: boolean;
      readonly lang?: string;
      /** Of the session before a new one: its id, and how many of its stanzas the server knows to have arrived. */
      readonly past?: string;
      readonly acked?: number;
    }
  /** sj has taken the first `n` stanzas that the daemon has sent since its start. */
  | { readonly what: 'sent'; readonly n: number }
  /** sj will not send the daemon's stanza number `n`. */
  | { readonly what: 'refused'; readonly n: number; readonly reason: string }
  /** A local program has shown own presence to somebody, or with an empty text to everybody; or has taken it back. */
  | { readonly what: 'shown'; readonly to: string; readonly on: boolean }
  /** A stanza of this sender is not handed on, and why. */
  | { readonly what: 'skipped'; readonly from: string; readonly reason: string }
  /** We are in a room, under a nick; or we have left it. */
  | { readonly what: 'room'; readonly jid: string; readonly nick: string; readonly on: boolean }
  /** The session is over for good. */
  | { readonly what: 'bye' };

/** How control messages are written and read in the frames of a protocol. */
export type ControlCodec<Frame> = {
  /** One line of text, without its end. */
  write(control: Control): string;
  isControl(frame: Frame): boolean;
  /** Null for what is no control message, or none that is known. */
  read(frame: Frame): Control | null;
  /** What takes the place of a frame that a daemon cannot read: it counts as any other, and means nothing. */
  unreadable(): Frame;
};
