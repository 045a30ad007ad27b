/** What a conversation is made of, whatever protocol carries it. */

/** A message that has come, or the report that one of ours could not be delivered. */
export type Message = {
  /** The contact: the id in normal form, without a device. */
  readonly contact: string;
  /** The sender and the addressee as the server names them. */
  readonly from: string;
  readonly to: string | undefined;
  /** The protocol's word for its kind, for `log`. */
  readonly type: string;
  /** It claims to come from a room; that it is one is for others to know. */
  readonly group: boolean;
  /** The sender's id, and the one that the account's archive or the room gave it. */
  readonly id: string | undefined;
  readonly sid: string | undefined;
  readonly subject: string | undefined;
  readonly thread: string | undefined;
  /** The text; empty if there is none to show. */
  readonly body: string;
  /** What it says besides. */
  readonly meaning: Meaning | undefined;
  /** The id of a message of ours that has arrived. */
  readonly receipt: string | undefined;
  /** When it was said, in milliseconds since the epoch. */
  readonly time: number;
  /** Somebody on the way says that it was said earlier. */
  readonly delayed: boolean;
  /** Why a message of ours was not delivered. */
  readonly error: DeliveryError | undefined;
};

export type DeliveryError = {
  /** The protocol's word for the cause. */
  readonly condition: string;
  /** The text that explains it; empty if there is none. */
  readonly text: string;
};

/** What a message says besides its text. */
export type Meaning = {
  /** What is said of it to people; each a line, or less. */
  readonly notices: readonly string[];
  /** What a person said in formatted text alone. */
  readonly text: string;
  /** For `log`: what came, where no other field holds it; undefined if there is nothing of the kind. */
  readonly source: string | undefined;
};

/** A line of a contact's `in` as it is sent. */
export type OutgoingMessage = {
  readonly to: string;
  readonly id: string;
  readonly body: string;
  /** It goes to everybody in a room. */
  readonly room: boolean;
};

/** What a message needs to be read: whose account it is, when it came, and the language of what does not name its own. */
export type Arrival = { readonly own: string; readonly now: number; readonly lang?: string | undefined };

/** What conversations need of a protocol. */
export type MessageCodec<Frame> = {
  /** The id of a contact in normal form, without a device; null for what is no id. */
  normalizeId(text: string): string | null;
  /**
   * Reads a message. Null: the frame is none. `unaddressed`: nobody it could be from can be told; the sender as it was
   * named.
   */
  decodeMessage(frame: Frame, arrival: Arrival): Message | { readonly unaddressed: string } | null;
  /** The message as one line of text, without its end. */
  encodeMessage(message: OutgoingMessage): string;
  /** Null, or why a text cannot be sent. */
  carries(text: string): string | null;
  /** What a person should know of a directory that stands for this id; null: nothing. */
  remark(id: string): string | null;
};
