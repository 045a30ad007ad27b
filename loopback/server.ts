/**
 * A small XMPP server for the demo and the end-to-end tests. It is not a product: it listens on 127.0.0.1 only and keeps
 * everything in memory. It shares no code with the daemons, so that what both get right was read twice.
 */
import { X509Certificate } from 'node:crypto';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { createSecureContext, DEFAULT_CIPHERS } from 'node:tls';
import { createAuthority } from './certs.ts';
import { type Account, accountOf, type Hub, type Session, type Settings } from './hub.ts';
import { bareOf, parseJid } from './jid.ts';
import { createJournal } from './journal.ts';
import { injected } from './management.ts';
import { depart, forget } from './resumption.ts';
import { entryOf } from './roster.ts';
import { MECHANISMS } from './sasl.ts';
import type { Server, ServerOptions, SessionInfo } from './server-types.ts';
import { type Stream, type Surroundings, serve } from './stream.ts';
import { NS, write } from './xml.ts';

export type { Server, ServerOptions, SessionInfo } from './server-types.ts';

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const settings: Settings = {
    domains: options.domains ?? ['localhost'],
    mechanisms: options.mechanisms ?? MECHANISMS,
    channelBindings: options.channelBindings ?? [],
    plaintext: options.plaintext ?? false,
    stanzaLimit: options.stanzaLimit ?? 262_144,
    iterations: options.iterations ?? 4096,
    resumeTimeout: options.resumeTimeout ?? 300,
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
    // Some of its certificates are too weak on purpose.
    ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0`,
    ca: authority.ca,
    minVersion: tlsVersion ?? 'TLSv1.2',
    maxVersion: tlsVersion ?? 'TLSv1.3',
  });
  let ids = 0;
  const journal = createJournal(options.keep ?? 10_000);
  const hub: Hub = {
    settings,
    faults: options.faults ?? {},
    accounts: new Map(),
    resumable: new Map(),
    past: new Map(),
    journal,
    nextId: () => `${++ids}`,
  };
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
  const connected = (jid: string) => matching(jid).filter((s) => !isHibernating(s));
  const known = (jid: string): Account => {
    const found = accountOf(hub, jid);
    if (found === undefined) throw new Error(`no account ${jid}`);
    return found;
  };
  const markKnown = (of: string, with_: string) => {
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
    markKnown(a, b) {
      markKnown(a, b);
      markKnown(b, a);
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
      const sessions = connected(jid);
      if (sessions.length === 0) throw new Error(`no session of ${jid}`);
      await Promise.all(
        sessions.map((session) => {
          injected(hub, session, Buffer.from(raw));
          return session.link.write(raw);
        }),
      );
    },
    expire(jid) {
      for (const session of matching(jid)) if (isHibernating(session)) depart(hub, session, 'expired');
    },
    restart(how = 'proper') {
      if (how === 'crash') for (const session of all()) forget(hub, session);
      for (const stream of streams) {
        if (how === 'crash') stream.destroy(true);
        else stream.end('system-shutdown');
      }
      for (const session of all()) depart(hub, session, 'system-shutdown');
      hub.past.clear();
    },
    count(jid, counts) {
      for (const { managed } of matching(jid)) if (managed !== undefined) Object.assign(managed, counts);
    },
    received: journal.all,
    history: journal.history,
    clear: journal.clear,
    waitFor: journal.waitFor,
    until: journal.until,
    online(jid, { available = true, ms } = {}) {
      const found = () => connected(jid).find((s) => !available || s.presence !== undefined);
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

const isHibernating = (session: Session) => session.managed?.timer !== undefined;

const describe = (session: Session): SessionInfo => ({
  jid: session.jid.full,
  mechanism: session.mechanism,
  tls: session.link.tls?.getProtocol() ?? '',
  alpn: session.link.tls?.alpnProtocol ?? false,
  presence: session.presence === undefined ? '' : write(session.presence, NS.client),
  managed: session.managed && {
    id: session.managed.id ?? '',
    received: session.managed.received,
    sent: session.managed.sent,
    waiting: session.managed.waiting.length,
    hibernating: isHibernating(session),
  },
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
