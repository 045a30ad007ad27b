/**
 * The life of a session: the connection, its negotiation, the stanzas both ways, and its end. This is the edge that
 * holds the pure parts together; what a stanza means is decided in `route.ts`, what a server says before the session in
 * `negotiate.ts`, what has arrived and what has not in `upkeep.ts`.
 */

import { Element } from 'ltx';
import { EXIT, type ExitCode, Fatal } from '../../cli/exit.ts';
import type { Say } from '../../cli/messages.ts';
import type { BackChannel } from '../../session/back-channels.ts';
import { createReports } from '../../sys/bursts.ts';
import { reason } from '../../sys/errno.ts';
import { type State, setState } from '../../tree/account.ts';
import { logEvent } from '../../tree/events.ts';
import { BEFORE_LOGIN } from '../../xml/limits.ts';
import { CLIENT_NS } from '../../xml/read.ts';
import { createSplitter, type Piece, type Skipped } from '../../xml/split.ts';
import { recast } from '../../xml/tree.ts';
import { canonical } from '../../xml/write.ts';
import { bareOf } from '../jid/jid.ts';
import { type Limits, SWELL, stanzaLimits } from '../limits.ts';
import { SM_NS } from '../ns.ts';
import type { Bindings } from '../sasl/binding.ts';
import { type Asked, createAsked } from './asked.ts';
import { Breach, streamFault } from './faults.ts';
import { openLink } from './link.ts';
import { createLocalPrograms } from './local-programs.ts';
import { noAnswer, notSent } from './lost.ts';

import { counter, negotiate } from './negotiate.ts';
import { createRosterKeeper, ROSTER_ID } from './roster-keeper.ts';
import { type DaemonName, rootOf, routeIncoming, textOf, treeOf, wayOf } from './route.ts';
import { createSender } from './sender.ts';
import type { Account, Session } from './session-model.ts';
import type { SessionStore } from './session-store.ts';
import { createShutdown, FAREWELL, type Line, ping } from './shutdown.ts';
import { refusal, reportOf, standIn } from './skipped.ts';
import type { Trace } from './trace.ts';
import { createWatch } from './watch.ts';

export type SessionConfig = {
  dir: string;
  account: Account;
  /** TLS of our own: from the first byte, or when the server agrees to it. */
  tls: 'direct' | 'starttls' | 'never';
  /** Puts TLS on a connection; resolves to what the session can be bound with. */
  secure: (link: ReturnType<typeof openLink>) => Promise<Bindings>;
  /** The longest silence of the server, and the longest login, in milliseconds. */
  timeout: number;
  limits: Limits;
  store: SessionStore;
  /** A mechanism has worked. */
  authenticated: (mechanism: string) => void;
  /** On which the daemons send. */
  channels: readonly (BackChannel | null)[];
  /** Whether the directory is still ours. */
  ours: () => boolean;
  /** The account is online, and local programs are heard. */
  ready: () => void;
  /** Calls when somebody thinks that the network has changed. */
  onDoubt: (listener: () => void) => void;
  trace: Trace;
  say: Say;
};

/** A login may always take so long, in milliseconds: a slow machine needs more than a short silence. */
const LEAST_LOGIN = 5000;

/**
 * What a terminal sends to us and to the daemons at once. It kills those that have just been started, and that may be
 * seen sooner than our own signal, within so many milliseconds, which asks for an orderly end.
 */
const TYPED = /SIG(?:INT|QUIT|HUP)$/;
const HEARD = 200;

/** So much of a language tag is handed on. */
const LANG = 64;

/**
 * Runs a session on descriptors 6 and 7 until it ends.
 * @param stop aborted by the signal that asks for an orderly end; or by a Fatal that says why it is to be another
 * @returns the exit code; what went wrong has been said on stderr
 */
export function runSession(config: SessionConfig, stop: AbortSignal): Promise<ExitCode> {
  const { dir, account, limits, trace, say, store } = config;
  const bare = `${account.user}@${account.domain}`;
  let phase: 'negotiating' | 'online' | 'leaving' | 'over' = 'negotiating';
  const line: Line = { state: 'open' };
  let linkPaused = false;
  let deadline: NodeJS.Timeout | undefined;
  /** The server has opened its stream. */
  let greeted = false;
  let asked: Asked = createAsked(bare);
  /** What is looked at just now, before there is a session. */
  let negotiated: Piece | null = null;
  const early = { stanzas: [] as { root: Element; text: Buffer }[], bytes: 0 };
  let resolveExit: (code: ExitCode) => void;
  const exit = new Promise<ExitCode>((resolve) => {
    resolveExit = resolve;
  });

  const localPrograms = createLocalPrograms(
    { dir, bare, limits, say, trace, sentBefore: store.taken, channels: config.channels },
    {
      batch: batchEnd,
      drain: () => guard(handOver),
      exit(name, how) {
        shutdown.happened('exits');
        const lost = () => end(new Fatal(EXIT.temporary, `${name} ${how}`));
        if (phase !== 'negotiating' && phase !== 'online') return;
        if (TYPED.test(how)) setTimeout(lost, HEARD);
        else lost();
      },
    },
  );

  // What comes from the server.

  let lang: string | undefined;

  const splitter = createSplitter(
    'stream',
    {
      header(element) {
        greeted = true;
        lang = element.attrs['xml:lang']?.slice(0, LANG);
        guard(() => negotiation.header(element));
      },
      stanza: (piece) => guard(() => received(piece)),
      skipped: (stanza) => guard(() => skipped(stanza)),
      close() {
        if (shutdown.happened('close')) return;
        sender.last('</stream:stream>');
        line.state = 'closed';
        end(new Fatal(EXIT.temporary, 'the server closed the stream'));
      },
      fault(error) {
        if (phase === 'over' || phase === 'leaving') return;
        end(
          new Breach(
            error.fault,
            `the server sent what XMPP forbids (${error.fault}): ${error.message}${hint()}`,
            error.message,
          ),
        );
      },
    },
    { limits: BEFORE_LOGIN },
  );

  const link = openLink(
    {
      data(chunk) {
        watch.heard();
        splitter.push(chunk);
        guard(handOver);
      },
      drain: () => sender.drained(),
      end(error) {
        line.state = 'gone';
        for (const what of ['close', 'farewell', 'acknowledged'] as const) shutdown.happened(what);
        const how = error === null ? 'the server closed the connection' : `the connection broke: ${reason(error)}`;
        end(new Fatal(EXIT.temporary, how + hint()));
      },
    },
    config.tls !== 'never',
  );

  /** A server that waits for TLS says nothing that XMPP knows. */
  const hint = () => (greeted || config.tls !== 'starttls' ? '' : ' (a port for direct TLS, such as 5223, needs -x)');

  function write(data: string | Buffer): boolean {
    watch.wrote();
    return link.write(data);
  }

  const sender = createSender({
    write,
    alive: () => line.state === 'open',
    localPrograms,
    store,
    guard,
    trace,
    say,
  });

  const mostIq = Math.max(limits.iq, limits.stanza);
  const reports = createReports((text, id) => {
    logEvent(dir, 'error', id, text);
    if (id !== '') localPrograms.skipped(id, text);
  });

  const watch = createWatch(config.timeout, {
    paused: () => linkPaused,
    dead() {
      line.state = 'gone';
      end(new Fatal(EXIT.temporary, `no answer from the server for ${Math.round(config.timeout / 1000)} seconds`));
    },
    ask() {
      if (phase === 'online') guard(() => sender.stanza(ping('sj:ping', account.domain)));
    },
    // RFC 6120 section 4.6.1.
    speak: () => line.state === 'open' && write(' '),
  });

  const roster = createRosterKeeper(dir, bare, say.warn, (jid) =>
    extra('presenced', new Element('presence', { from: jid, type: 'unavailable' })),
  );

  const shutdown = createShutdown({ dir, say, store, localPrograms, sender, link, line, ours: config.ours });

  const negotiation = negotiate(account, {
    send: sender.text,
    startTls: () => void secured((bindings) => negotiation.secured(bindings)),
    restart: () => splitter.restart(),
    authenticated(mechanism) {
      splitter.allow(stanzaLimits(limits));
      config.authenticated(mechanism);
      localPrograms.start();
    },
    resuming: store.resuming,
    unresumable: store.unresumable,
    early(root) {
      const text =
        negotiated && recast(negotiated.buf.subarray(negotiated.start, negotiated.end), negotiated.scope, mostIq);
      if (text) early.stanzas.push({ root, text });
    },
    online,
    failed: end,
  });

  async function secured(then: (bindings: Bindings) => void): Promise<void> {
    try {
      then(await config.secure(link));
    } catch (error) {
      line.state = 'gone';
      end(error);
    }
  }

  /** The end of a batch from local programs. */
  function batchEnd(): void {
    if (phase !== 'negotiating') guard(sender.batch);
  }

  /** A fault found in the middle of reading ends the session; it must not pass through the reader. */
  function guard(work: () => void): void {
    if (phase === 'over') return;
    try {
      work();
    } catch (error) {
      splitter.stop();
      end(error);
    }
  }

  function received(piece: Piece): void {
    trace('recv', piece);
    if (phase === 'negotiating') {
      // What comes early is kept in memory.
      early.bytes += piece.end - piece.start;
      if (early.bytes > mostIq) throw new Breach('policy-violation', `more than ${mostIq} bytes before the session`);
      // A stanza waits as text; of what else comes now nothing is large.
      const large = piece.end - piece.start > BEFORE_LOGIN.bytes;
      if (large && piece.ns !== CLIENT_NS)
        throw new Breach('policy-violation', `a <${piece.name.slice(0, 64)}> of more than ${BEFORE_LOGIN.bytes} bytes`);
      negotiated = piece;
      negotiation.element(large ? rootOf(piece) : treeOf(piece), piece.behind);
      negotiated = null;
      return;
    }
    if (piece.ns === SM_NS) return management(piece);
    let way = routeIncoming(piece, asked);
    if (way === 'error') throw streamFault(treeOf(piece));
    if (piece.ns !== CLIENT_NS) return;
    if (way === 'iqd' && roster.look(piece)) way = null;
    if (way === 'presenced') localPrograms.presence(piece);
    const text = way === null ? null : textOf(piece, SWELL * (way === 'iqd' ? mostIq : limits.stanza));
    if (way !== null && text === null) {
      const answered = way === 'iqd' && !/^[gs]et$/.test(rootOf(piece).attrs.type ?? '');
      return dropped(piece.name, rootOf(piece).attrs, 'it is much longer than it looks', answered);
    }
    store.incoming.arrived(text === null ? null : way);
    if (way !== null && text !== null) localPrograms.put(way, text);
    else if (phase === 'leaving' && piece.name === 'iq' && rootOf(piece).attrs.id === FAREWELL)
      shutdown.happened('farewell');
  }

  /** A stanza has passed by that is beyond the limits: it costs nobody but its sender anything. */
  function skipped({ name, ns, attrs, why }: Skipped): void {
    if (phase === 'negotiating' && ns !== CLIENT_NS) throw new Breach('policy-violation', `the server sent ${why}`);
    if (ns !== CLIENT_NS) return;
    const answers = phase !== 'negotiating' && name === 'iq' && wayOf(name, attrs, asked) === 'iqd';
    dropped(name, attrs, why, answers && !/^[gs]et$/.test(attrs.type ?? '') && attrs.id !== ROSTER_ID);
  }

  /** @param answered it is the answer to what a local program has asked */
  function dropped(name: string, attrs: Skipped['attrs'], why: string, answered: boolean): void {
    const { what, id, from } = reportOf(name, attrs, why);
    reports.add(what, 'skipped a stanza', id, from);
    // What comes before the session does not count in it.
    if (phase === 'negotiating') return;
    store.incoming.arrived(answered ? 'iqd' : null);
    if (answered) localPrograms.put('iqd', standIn(attrs, why));
    const answer = refusal(name, attrs);
    if (answer !== null && phase === 'online' && !store.full) sender.stanza(answer);
  }

  /** XEP-0198: the server asks, or answers. */
  function management(piece: Piece): void {
    if (piece.name === 'r') return store.wanted();
    const h = piece.name === 'a' ? counter(rootOf(piece).attrs.h) : null;
    if (h === null) return;
    store.acknowledged(h);
    if (store.request() === '') shutdown.happened('acknowledged');
    sender.flow();
  }

  /** The end of a batch from the server: the daemons get theirs. */
  function handOver(): void {
    roster.write();
    const free = localPrograms.flush();
    if (free === linkPaused) {
      linkPaused = !free;
      if (free) link.resume();
      else link.pause();
    }
    store.incoming.mark();
    if (phase !== 'negotiating') sender.batch();
  }

  // The session.

  /** What is shown is news; the session does not depend on it. */
  function show(state: State): void {
    try {
      setState(dir, state);
    } catch (error) {
      say.warn(`cannot write ${dir}/state: ${reason(error)}`);
    }
  }

  function online(session: Session): void {
    const { jid } = session;
    if (!config.ours()) throw new Fatal(EXIT.usage, `${dir} was taken over by another sj`);
    if (bareOf(jid) !== bare) say.warn(`the server calls this account ${jid}`);
    const resumed = session.managed?.resumed === true;
    const unanswered = [...store.asked];
    const { again, lost } = store.begin(session);
    phase = 'online';
    clearTimeout(deadline);
    asked = createAsked(jid, resumed ? unanswered : [], store, limits.requests);
    show(`online ${jid}`);
    logEvent(dir, 'online', bare, jid, true);
    sender.gate();
    for (const stanza of again) sender.text(stanza.bytes.toString());
    for (const { bytes } of lost) extra('messaged', notSent(bytes));
    // Servers tell of changed subscriptions only who has asked for the roster (RFC 6121 section 2.2).
    if (!resumed) {
      asked.ask(ROSTER_ID, undefined);
      sender.stanza(`<iq type='get' id='${ROSTER_ID}'><query xmlns='jabber:iq:roster'/></iq>`);
    }
    for (const { root, text } of early.stanzas.splice(0)) {
      const way = wayOf(root.name, root.attrs, asked);
      if (way !== null) extra(way, text);
    }
    localPrograms.online({
      name: store.name,
      past: store.past,
      resumed,
      incoming: store.incoming,
      asked,
      most: session.limits.bytes,
      lang,
    });
    if (!resumed) for (const [id, to] of unanswered) if (id !== ROSTER_ID) extra('iqd', noAnswer(id, to));
    handOver();
    config.ready();
    watch.idle(session.limits.idle);
  }

  /** Hands a daemon what does not count in the session. */
  function extra(way: DaemonName, stanza: Element | Buffer): void {
    store.extra(way);
    localPrograms.put(way, Buffer.isBuffer(stanza) ? stanza : canonical(stanza));
  }

  /** Ends the session once, whatever comes together. */
  function end(cause: unknown): void {
    if (phase === 'over' || phase === 'leaving') return;
    const wasOnline = phase === 'online';
    phase = 'leaving';
    clearTimeout(deadline);
    watch.stop();
    const fatal = cause === null ? null : cause instanceof Fatal ? cause : new Fatal(EXIT.temporary, reason(cause));
    if (fatal !== null) say.fatal(fatal.message);
    if (fatal instanceof Breach) {
      sender.last(fatal.streamError);
      if (line.state === 'open') line.state = 'closed';
    }
    const left = shutdown.leave(wasOnline, fatal?.code ?? EXIT.ok);
    void left
      .catch((error: unknown) => say.warn(reason(error)))
      .then(() => {
        phase = 'over';
        localPrograms.close();
        reports.close();
        sender.stop();
        if (wasOnline) logEvent(dir, 'offline', bare, fatal?.message ?? '', true);
        show(fatal === null ? 'offline' : `failed ${fatal.message}`);
        resolveExit(fatal?.code ?? EXIT.ok);
      });
  }

  show('connecting');
  // Silence is not the only way to hold up a login: white space, or a feature after the other, would do.
  const limit = Math.max(config.timeout, LEAST_LOGIN);
  deadline = setTimeout(() => {
    line.state = 'gone';
    end(new Fatal(EXIT.temporary, `no session after ${Math.round(limit / 1000)} seconds: the server does not go on`));
  }, limit);
  const stopped = () => end(stop.reason instanceof Fatal ? stop.reason : null);
  stop.addEventListener('abort', stopped);
  config.onDoubt(() => {
    localPrograms.check();
    watch.doubt();
  });
  if (config.tls === 'direct') secured((bindings) => negotiation.start(bindings));
  else negotiation.start(null);
  // It may have been before we listened.
  if (stop.aborted) stopped();
  return exit;
}
