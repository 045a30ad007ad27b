/** The states of a presence subscription and what changes them: RFC 6121, Appendix A. Pure. */

export type Subscription = {
  /** We get the contact's presence. */
  to: boolean;
  /** The contact gets ours. */
  from: boolean;
  /** We asked and have no answer. */
  out: boolean;
  /** The contact asked and has no answer. */
  in: boolean;
};

export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

/** Whether the stanza goes on, to the contact (outbound) or to the user (inbound), and the state after it. */
export type Change = { pass: boolean; next: Subscription };

export const NONE: Subscription = { to: false, from: false, out: false, in: false };

export const isSubscriptionType = (type: string | undefined): type is SubscriptionType =>
  type === 'subscribe' || type === 'subscribed' || type === 'unsubscribe' || type === 'unsubscribed';

/** A.2: the user sends it. */
export function outbound(type: SubscriptionType, s: Subscription): Change {
  switch (type) {
    case 'subscribe':
      return { pass: true, next: { ...s, out: s.out || !s.to } };
    case 'unsubscribe':
      return { pass: true, next: { ...s, to: false, out: false } };
    case 'subscribed':
      return { pass: s.in, next: { ...s, from: s.from || s.in, in: false } };
    case 'unsubscribed':
      return { pass: s.from || s.in, next: { ...s, from: false, in: false } };
  }
}

/** A.3: the contact sends it. A `subscribe` that finds `from` is to be answered with `subscribed` by the server. */
export function inbound(type: SubscriptionType, s: Subscription): Change {
  switch (type) {
    case 'subscribe':
      return { pass: !s.from && !s.in, next: { ...s, in: !s.from } };
    case 'unsubscribe':
      return { pass: s.from || s.in, next: { ...s, from: false, in: false } };
    case 'subscribed':
      return { pass: s.out, next: { ...s, to: s.to || s.out, out: false } };
    case 'unsubscribed':
      return { pass: s.to || s.out, next: { ...s, to: false, out: false } };
  }
}

/** The attribute `subscription` of a roster item. */
export const subscriptionName = (s: Subscription): 'none' | 'to' | 'from' | 'both' =>
  s.to ? (s.from ? 'both' : 'to') : s.from ? 'from' : 'none';
