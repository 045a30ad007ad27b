/**
 * A small XMPP server for the demo and the end-to-end tests. It is not a product: it listens on 127.0.0.1 only and keeps
 * everything in memory. It shares no code with the daemons, so that what both get right was read twice.
 */
import { X509Certificate } from 'node:crypto';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { type Authority, type CertKind, createAuthority, type Pair } from './certs.ts';
import type { Faults } from './faults.ts';
import { type Account, accountOf, type Hub, type Session, type Settings } from './hub.ts';
import { bareOf, parseJid } from './jid.ts';
import { createJournal, type Journal, type Received } from './journal.ts';
import { entryOf } from './roster.ts';
import { MECHANISMS } from './sasl.ts';
import { type Stream, type Surroundings, serve } from './stream.ts';
import { NS, write } from './xml.ts';

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
  /** Bound sessions, those that are not available among them. */
  sessions(): SessionInfo[];
  /** Number of connections, bound or not. */
  connections(): number;
  /** Those among them that do not answer any more, because of `faults.silentFrom` or `freeze`. */
  silent(): number;
  /** Registers an account or changes its password. `name` as in the option `accounts`. */
  account(name: string, password: string): void;
  /** Puts two accounts into each other's rosters with subscription `both`, without a word to their sessions. */
  befriend(a: string, b: string): void;
  /** What waits for an account, as XML. */
  offline(jid: string): string[];
  /**
   * Cuts the connections of a bare or full JID, or all (`*`) with those that are not bound: no farewell of any kind.
   * With `reset` by a TCP RST.
   */
  kill(jid: string, options?: { reset?: boolean }): void;
  /** Ends the streams of a bare or full JID properly, with a stream error if a condition is given. */
  closeStream(jid: string, condition?: string, text?: string): void;
  /** The connections stay but nothing is answered any more. `stalled` does not even read. */
  freeze(jid: string, mode: 'deaf' | 'stalled'): void;
  /** Sends raw bytes down the streams of a bare or full JID. Resolves when the kernel has them all. */
  inject(jid: string, raw: string | Uint8Array): Promise<void>;
  /** All stanzas received from bound clients, oldest first. */
  received(): readonly Received[];
  /** Forgets them. */
  clear(): void;
  /** The first stanza received, before or after the call, for which the predicate holds. Rejects after `ms` (10,000). */
  waitFor: Journal['waitFor'];
  /** The first value of `check` that is not undefined or false; looked at whenever something happens. */
  until: Journal['until'];
  /** Waits until a bare or full JID has a session, an available one if so asked. */
  online(jid: string, options?: { available?: boolean; ms?: number }): Promise<SessionInfo>;
  /** Ends all streams with `<system-shutdown/>` and stops listening. */
  close(): Promise<void>;
};

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const settings: Settings = {
    domains: options.domains ?? ['localhost'],
    mechanisms: options.mechanisms ?? MECHANISMS,
    channelBindings: options.channelBindings ?? [],
    plaintext: options.plaintext ?? false,
    stanzaLimit: options.stanzaLimit ?? 262_144,
    iterations: options.iterations ?? 4096,
  };
  const authority = createAuthority();
  const { certificate = 'good', tlsVersion } = options;
  const identity =
    typeof certificate === 'string'
      ? { ...authority.server(settings.domains, certificate), ca: authority.ca }
      : certificate;
  const context = createSecureContext({
    key: identity.key,
    cert: identity.cert,
    ca: authority.ca,
    minVersion: tlsVersion ?? 'TLSv1.2',
    maxVersion: tlsVersion ?? 'TLSv1.3',
  });
  let ids = 0;
  const journal = createJournal(options.keep ?? 10_000);
  const hub: Hub = { settings, faults: options.faults ?? {}, accounts: new Map(), journal, nextId: () => `${++ids}` };
  const askCertificate = settings.mechanisms.includes('EXTERNAL');
  const around: Surroundings = {
    hub,
    tls: (direct) => ({ context, askCertificate, ...(direct ? { alpn: ['xmpp-client'] } : {}) }),
    certificate: new X509Certificate(identity.cert),
    authority: new X509Certificate(authority.ca),
    onRaw: options.onRaw,
  };

  const streams = new Set<Stream>();
  const listener = (direct: boolean) =>
    createServer({ allowHalfOpen: true }, (socket: Socket) => {
      const stream = serve(around, socket, direct, () => {
        streams.delete(stream);
        journal.changed();
      });
      streams.add(stream);
      journal.changed();
    });
  const starttls = listener(false);
  const direct = options.directTlsPort === false ? undefined : listener(true);

  const account = (name: string, password: string) => {
    for (const bare of name.includes('@') ? [bareOf(name)] : settings.domains.map((d) => bareOf(`${name}@${d}`))) {
      const known = hub.accounts.get(bare);
      if (known !== undefined) known.password = password;
      else hub.accounts.set(bare, { bare, password, roster: new Map(), sessions: new Map(), offline: [] });
    }
  };
  for (const [name, password] of Object.entries(options.accounts ?? {})) account(name, password);

  const all = () => [...hub.accounts.values()].flatMap((a) => [...a.sessions.values()]);
  const matching = (jid: string): Session[] => {
    const wanted = parseJid(jid);
    return all().filter((s) => s.jid.full === wanted?.full || s.jid.bare === wanted?.full);
  };
  const known = (jid: string): Account => {
    const found = accountOf(hub, jid);
    if (found === undefined) throw new Error(`no account ${jid}`);
    return found;
  };
  const befriend = (of: string, with_: string) => {
    const entry = entryOf(known(of), bareOf(with_));
    Object.assign(entry, { listed: true, state: { to: true, from: true, out: false, in: false } });
  };

  return {
    port: await listen(starttls, options.port ?? 0),
    directPort: direct === undefined ? 0 : await listen(direct, options.directTlsPort || 0),
    ca: identity.ca,
    authority,
    get faults() {
      return hub.faults;
    },
    set faults(faults) {
      hub.faults = faults;
    },
    sessions: () => all().map(describe),
    connections: () => streams.size,
    silent: () => [...streams].filter((stream) => stream.silent()).length,
    account,
    befriend(a, b) {
      befriend(a, b);
      befriend(b, a);
    },
    offline: (jid) => known(jid).offline.map((m) => write(m)),
    kill(jid, { reset = false } = {}) {
      for (const session of jid === '*' ? all() : matching(jid)) session.link.destroy(reset);
      if (jid === '*') for (const stream of streams) stream.destroy();
    },
    closeStream(jid, condition, text) {
      for (const session of matching(jid)) session.end(condition, text);
    },
    freeze(jid, mode) {
      for (const session of matching(jid)) session.link.silence(mode);
    },
    async inject(jid, raw) {
      const sessions = matching(jid);
      if (sessions.length === 0) throw new Error(`no session of ${jid}`);
      await Promise.all(sessions.map((session) => session.link.write(raw)));
    },
    received: journal.all,
    clear: journal.clear,
    waitFor: journal.waitFor,
    until: journal.until,
    online(jid, { available = true, ms } = {}) {
      const found = () => matching(jid).find((s) => !available || s.presence !== undefined);
      return journal.until(found, ms, `session of ${jid}`).then(describe);
    },
    async close() {
      const ends = [starttls, direct].map(
        (server) => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())),
      );
      for (const stream of streams) stream.end('system-shutdown');
      await Promise.all(ends);
    },
  };
}

const describe = (session: Session): SessionInfo => ({
  jid: session.jid.full,
  mechanism: session.mechanism,
  tls: session.link.tls?.getProtocol() ?? '',
  alpn: session.link.tls?.alpnProtocol ?? false,
  presence: session.presence === undefined ? '' : write(session.presence, NS.client),
});

function listen(server: NetServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
