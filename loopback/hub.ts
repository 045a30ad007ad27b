/** What the server knows: accounts, their rosters and sessions. All of it lives in memory. */
import type { Counts } from './counts.ts';
import type { Faults } from './faults.ts';
import { type Jid, parseJid } from './jid.ts';
import type { Journal } from './journal.ts';
import type { Link } from './link.ts';
import type { Reader } from './reader.ts';
import type { Subscription } from './subscription.ts';
import { type Element, el, NS } from './xml.ts';

export type Entry = {
  jid: string;
  name: string;
  groups: string[];
  state: Subscription;
  /** False: not in the roster that clients see, only a request of the contact waits here (RFC 6121, 3.1.3). */
  listed: boolean;
  /** The request of the contact, while it is not answered. */
  request: Element | undefined;
};

export type Account = {
  bare: string;
  password: string;
  roster: Map<string, Entry>;
  /** By resource. */
  sessions: Map<string, Session>;
  /** Messages that wait for a session. */
  offline: Element[];
};

/** What a session has of the stream that it is on. */
export type Connection = {
  link: Link;
  /** How it logged in. */
  mechanism: string;
  /** Says something that stream management does not count. */
  write(e: Element): void;
  /** Ends the stream, with a stream error if a condition is given. */
  end(condition?: string, text?: string): void;
};

/** Stream management of a session (XEP-0198), which outlives its streams. */
export type Managed = Counts & {
  /** By which it can be resumed, undefined: it can't. */
  id: string | undefined;
  /** How long it waits for that without a connection, in seconds. */
  max: number;
  /** The client is going to be asked, or was asked and has not answered. */
  asking: 'no' | 'soon' | 'asked';
  /** How many stanzas had been sent then. */
  askedAt: number | undefined;
  /** Its end, while it has no connection. */
  timer: NodeJS.Timeout | undefined;
  /** Reads along what is injected. */
  injected: Reader | undefined;
};

/** A bound resource. */
export type Session = Connection & {
  jid: Jid;
  account: Account;
  /** Undefined: the client has not enabled it. */
  managed: Managed | undefined;
  /** The last presence it broadcast, undefined while it is unavailable. */
  presence: Element | undefined;
  priority: number;
  /** To whom it sent directed presence. */
  directed: Set<string>;
  /** It has asked for the roster, so it gets pushes. */
  interested: boolean;
  /** The one way out for stanzas. */
  send(e: Element): void;
};

export type Settings = {
  domains: readonly string[];
  mechanisms: readonly string[];
  channelBindings: readonly string[];
  plaintext: boolean;
  stanzaLimit: number;
  iterations: number;
  /** In seconds. */
  resumeTimeout: number;
};

export type Hub = {
  settings: Settings;
  faults: Faults;
  accounts: Map<string, Account>;
  /** Sessions that can be resumed, with a connection or without, by their id. */
  resumable: Map<string, Session>;
  /** Those that can't any more, and how many stanzas they had sent. */
  past: Map<string, { account: Account; received: number }>;
  journal: Journal;
  nextId(): string;
};

export const accountOf = (hub: Hub, jid: string): Account | undefined => hub.accounts.get(parseJid(jid)?.bare ?? '');

export const isLocal = (hub: Hub, jid: Jid): boolean => hub.settings.domains.includes(jid.domain);

/** The sessions that said they are available. */
export const available = (account: Account | undefined): Session[] =>
  [...(account?.sessions.values() ?? [])].filter((s) => s.presence !== undefined);

/** Sessions that get what concerns the roster. */
export const interested = (account: Account): Session[] =>
  [...account.sessions.values()].filter((s) => s.interested || s.presence !== undefined);

/** A stanza with other addresses. */
export const addressed = (e: Element, from: string, to: string): Element => ({
  ...e,
  attrs: Object.assign(Object.create(null), e.attrs, { from, to }),
});

const ERROR_TYPES: Record<string, string> = {
  'bad-request': 'modify',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-authorized': 'auth',
  forbidden: 'auth',
  'resource-constraint': 'wait',
};

/** The answer to a stanza that could not be handled (RFC 6120, 8.3): back to its sender with all that was in it. */
export function bounce(e: Element, condition: string): Element {
  const type = ERROR_TYPES[condition] ?? 'cancel';
  const { from, to, id } = e.attrs;
  const error = el('error', NS.client, { type }, el(condition, NS.stanzaError));
  return el(e.name, NS.client, { type: 'error', id, from: to, to: from }, ...e.children, error);
}
