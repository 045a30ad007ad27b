/** What presence is made of, whatever protocol carries it. */
import type { Show } from '../tree/line.ts';
import type { Own } from '../tree/mypresence.ts';

/** What one device of a contact shows. */
export type Resource = {
  readonly show: Show;
  readonly status: string;
  /** -128 to 127. A negative one means "no messages here, please"; the contact is there all the same. */
  readonly priority: number;
  /** Somebody in a room: that there is one says that the room is there, and the rest says nothing about the room. */
  readonly occupant: boolean;
};

export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

export type PresenceChange =
  /** `self`: it is our own occupant of a room. */
  | { readonly kind: 'available'; readonly presence: Resource; readonly self: boolean }
  /** `all`: of all its devices, whichever it came from. */
  | { readonly kind: 'unavailable'; readonly all: boolean }
  /** Something that we sent did not arrive; the condition, and the text if there is one. */
  | { readonly kind: 'error'; readonly detail: string }
  | { readonly kind: 'subscription'; readonly type: SubscriptionType; readonly status: string };

/** Presence that has come. */
export type PresenceNews = {
  /** The sender as the server names it. */
  readonly from: string;
  /** The contact in normal form; null if the sender is not an address. */
  readonly contact: string | null;
  /** The device; empty if the sender names none. */
  readonly resource: string;
  readonly change: PresenceChange;
};

/** What presence needs of a protocol. */
export type PresenceCodec<Frame> = {
  /** The id of a contact in normal form, without a device; null for what is no id. */
  normalizeId(text: string): string | null;
  /** Null: the frame says nothing of a contact's presence. */
  decodePresence(frame: Frame): PresenceNews | null;
  /** Own presence as one line of text, without its end: for everybody, or for one contact. */
  encodePresence(own: Own, to?: string): string;
};
