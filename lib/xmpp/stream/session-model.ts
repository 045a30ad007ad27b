/** What a session is made of: the account that logs in, and what the server has granted. */
import type { Announced } from './announced.ts';

export type Account = {
  user: string;
  domain: string;
  /** What to ask the server to bind. */
  resource: string;
  /** TLS: `starttls` must be had from the server, `ours` and `outside` are in place, `optional` takes what there is. */
  tls: 'starttls' | 'ours' | 'outside' | 'optional';
  /** PLAIN may be used without TLS. */
  plainInClear: boolean;
  /** A client certificate is shown in TLS. */
  haveCert: boolean;
  /** The mechanism of earlier sessions. */
  floor: string | null;
  /** A session that may be resumed: its id, its full JID, how many stanzas of the server have been dealt with. */
  resume: { id: string; jid: string; h: number } | null;
  /** The account has been online from this directory before: what an unauthenticated peer says does not end it for good. */
  known: boolean;
  /** Asked only if the mechanism needs it. */
  password: () => Promise<string>;
};

export type Session = {
  /** Its full JID. */
  jid: string;
  /** Null if the server manages no streams, or won't manage this one. */
  managed: Managed | null;
  /** How many of our stanzas had arrived in the session that could not be resumed, where the server tells. */
  arrivedBefore: number | null;
  /** What it will not take. */
  limits: Announced;
};

export type Managed = {
  /** It goes on from where it broke off; the server has dealt with `h` of our stanzas. */
  resumed: boolean;
  h: number;
  /** By which it can be resumed later, and where; null if not. */
  id: string | null;
  location: string | null;
};
