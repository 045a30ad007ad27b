/** What the server is told at its start, and what can be seen and done while it runs. */
import type { Authority, CertKind, Pair } from './certs.ts';
import type { Faults } from './faults.ts';
import type { Journal, Received } from './journal.ts';
import type { Silence } from './link.ts';
import type { Surroundings } from './stream.ts';

export type ServerOptions = {
  /** Port with STARTTLS; 0, the default: any that is free. */
  port?: number;
  /** Port with TLS from the first byte (XEP-0368); 0, the default: any; false: none. */
  directTlsPort?: number | false;
  /** The first is the one that the server speaks for itself as. Default `localhost`. */
  domains?: readonly string[];
  /** Passwords by localpart, which is an account on every domain, or by bare JID. */
  accounts?: Record<string, string>;
  /** What certificate to show, or one from elsewhere (PEM; `ca` is what clients shall trust). Default `good`. */
  certificate?: CertKind | (Pair & { ca: string });
  /** Default: TLS 1.2 and 1.3. */
  tlsVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Default: SCRAM-SHA-512, -256 and -1, the same with -PLUS, and PLAIN. `EXTERNAL` is possible too. */
  mechanisms?: readonly string[];
  /**
   * Of `tls-exporter`, `tls-server-end-point` and (TLS 1.2) `tls-unique`; announced as XEP-0440 has it. Default: none, so
   * that -PLUS is not offered, because the usual clients try it with tls-unique wherever they see it.
   */
  channelBindings?: readonly string[];
  /** Login without TLS is possible; STARTTLS is offered but not required. */
  plaintext?: boolean;
  /** Greatest size of a stanza from a client in bytes. Default 256 KiB. */
  stanzaLimit?: number;
  /** Of SCRAM. Default 4096. */
  iterations?: number;
  /** How long a session without a connection can be resumed, in seconds. Default 300. */
  resumeTimeout?: number;
  faults?: Faults;
  /** How many stanzas the journal keeps. Default 10,000. */
  keep?: number;
  /** Sees all bytes of all streams, after TLS; `jid` is empty before bind. */
  onRaw?: Surroundings['onRaw'];
};

/** A bound session, as a test sees it. */
export type SessionInfo = {
  jid: string;
  mechanism: string;
  /** `TLSv1.3`, or the empty string without TLS. */
  tls: string;
  /** What ALPN agreed on, false: nothing. */
  alpn: string | false;
  /** Its last broadcast presence as XML; the empty string while it is unavailable. */
  presence: string;
  /** Stream management, undefined: not enabled. `id` is empty if the session cannot be resumed. */
  managed: { id: string; received: number; sent: number; waiting: number; hibernating: boolean } | undefined;
};

export type Server = {
  port: number;
  /** 0: there is none. */
  directPort: number;
  /** What clients shall trust, PEM. */
  ca: string;
  /** For client certificates: `authority.client('alice@localhost')`. */
  authority: Authority;
  /** May be changed at any time. */
  faults: Faults;
  /** Bound sessions, those that are not available or wait for a connection among them. */
  sessions(): SessionInfo[];
  /** Number of connections, bound or not. */
  connections(): number;
  /** Those among them that do not answer any more, because of `faults.silentFrom` or `freeze`. */
  silent(): number;
  /** Registers an account or changes its password. `name` as in the option `accounts`. */
  account(name: string, password: string): void;
  /** Puts two accounts into each other's rosters with subscription `both`, without a word to their sessions. */
  markKnown(a: string, b: string): void;
  /** What waits for an account, as XML. */
  offline(jid: string): string[];
  /**
   * Cuts the connections of a bare or full JID, or all (`*`) with those that are not bound: no farewell of any kind.
   * With `reset` by a TCP RST.
   */
  kill(jid: string, options?: { reset?: boolean }): void;
  /** Ends the streams of a bare or full JID properly, with a stream error if a condition is given. */
  closeStream(jid: string, condition?: string, text?: string): void;
  /** The connections stay but nothing is answered any more. */
  freeze(jid: string, mode: Silence): void;
  /** Ends the sessions of a bare or full JID that wait for a connection, as if their time were up. */
  expire(jid: string): void;
  /**
   * Forgets all sessions, those that could be resumed among them; accounts, rosters and what is stored for them stay.
   * `proper` (default) ends the streams with `system-shutdown` and stores what was not acknowledged; `crash` resets the
   * connections and loses it. The port stays open.
   */
  restart(how?: 'proper' | 'crash'): void;
  /**
   * Sets the counters of stream management, as if so many stanzas had gone both ways; the client has to think so too,
   * so that it can be tried what happens at 2^32.
   */
  count(jid: string, counts: { received?: number; sent?: number }): void;
  /** Sends raw bytes down the streams of a bare or full JID. Resolves when the kernel has them all. */
  inject(jid: string, raw: string | Uint8Array): Promise<void>;
  /** All stanzas received from bound clients, oldest first. */
  received(): readonly Received[];
  /** What became of sessions: bound, enabled, hibernated, resumed, refused, ended; oldest first. */
  history: Journal['history'];
  /** Forgets both. */
  clear(): void;
  /** The first stanza received, before or after the call, for which the predicate holds. Rejects after `ms` (10,000). */
  waitFor: Journal['waitFor'];
  /** The first value of `check` that is not undefined or false; looked at whenever something happens. */
  until: Journal['until'];
  /** Waits until a bare or full JID has a session with a connection, an available one if so asked. */
  online(jid: string, options?: { available?: boolean; ms?: number }): Promise<SessionInfo>;
  /** Ends all streams with `<system-shutdown/>` and stops listening. */
  close(): Promise<void>;
};
