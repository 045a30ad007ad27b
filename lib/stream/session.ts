/**
 * The life of a session: the connection, its negotiation, the daemons, and the stanzas between them. This is the edge
 * that holds the pure parts together; what a stanza means is decided in `route.ts`, what a server says before the
 * session in `negotiate.ts`.
 */
import path from 'node:path';
import { EXIT, type ExitCode, Fatal, reason, type Say } from '../cli/die.ts';
import { setState } from '../files/account.ts';
import { logEvent } from '../files/events.ts';
import { type FifoReader, openFifo } from '../files/fifo.ts';
import { bareOf } from '../jid/jid.ts';
import { clearPresences } from '../presence/clear.ts';
import type { Bindings } from '../sasl/binding.ts';
import { createSplitter, type Piece, type Splitter } from '../xml/split.ts';
import { canonical } from '../xml/write.ts';
import { type Asked, createAsked } from './asked.ts';
import { createBatch } from './batch.ts';
import { type Daemon, startDaemon } from './daemons.ts';
import { streamError, streamFault } from './faults.ts';
import { openLink } from './link.ts';
import { createLiveness } from './liveness.ts';
import { type Account, negotiate, type Session } from './negotiate.ts';
import { checkOutgoing, type DaemonName, routeIncoming, treeOf } from './route.ts';
import type { Trace } from './trace.ts';

export type SessionConfig = {
  dir: string;
  account: Account;
  /** TLS of our own: from the first byte, or when the server agrees to it. */
  tls: 'direct' | 'starttls' | 'never';
  /** Puts TLS on a connection; resolves to what the session can be bound with. */
  secure: (link: ReturnType<typeof openLink>) => Promise<Bindings>;
  /** The longest silence of the server, in milliseconds. */
  timeout: number;
  /** A mechanism has worked. */
  authenticated: (mechanism: string) => void;
  /** Whether the directory is still ours. */
  ours: () => boolean;
  trace: Trace;
  say: Say;
};

/** How long, in milliseconds, an orderly end may take in all, and its parts. */
const END = { all: 1900, farewell: 400, daemons: 1000, close: 400 };

const now = () => performance.now();

/**
 * Runs a session on descriptors 6 and 7 until it ends.
 * @param stop aborted by the signal that asks for an orderly end
 * @returns the exit code; what went wrong has been said on stderr
 */
export function runSession(config: SessionConfig, stop: AbortSignal): Promise<ExitCode> {
  const { dir, account, trace, say } = config;
  const bare = `${account.user}@${account.domain}`;
  let phase: 'negotiating' | 'online' | 'leaving' | 'over' = 'negotiating';
  let linkAlive = true;
  let asked: Asked = createAsked(bare);
  let fifo: FifoReader | null = null;
  const daemons = new Map<DaemonName, Daemon>();
  const sources = new Map<string, Splitter>();
  const outgoing = createBatch();
  const liveness = createLiveness(config.timeout, now());
  const waiting: { farewell?: () => void; close?: () => void; exits?: () => void } = {};
  let daemonDied = false;
  let timer: NodeJS.Timeout;
  let resolveExit: (code: ExitCode) => void;
  const exit = new Promise<ExitCode>((resolve) => {
    resolveExit = resolve;
  });

  // What comes from the server.

  const splitter = createSplitter('stream', {
    header: (element) => guard(() => negotiation.header(element)),
    stanza: (piece) => guard(() => received(piece)),
    close() {
      linkAlive = false;
      if (phase === 'leaving') return waiting.close?.();
      send('</stream:stream>');
      end(new Fatal(EXIT.temporary, 'the server closed the stream'));
    },
    fault(error) {
      if (phase === 'over' || phase === 'leaving') return;
      send(streamError(error.fault, error.message));
      end(new Fatal(EXIT.protocol, `the server sent what XMPP forbids (${error.fault}): ${error.message}`));
    },
  });

  const link = openLink(
    {
      data(chunk) {
        liveness.heard(now());
        splitter.push(chunk);
        flushDaemons();
        flushOutgoing();
      },
      drain: () => setOutgoing(true),
      end(error) {
        linkAlive = false;
        waiting.close?.();
        waiting.farewell?.();
        end(
          new Fatal(
            EXIT.temporary,
            error === null ? 'the server closed the connection' : `the connection broke: ${reason(error)}`,
          ),
        );
      },
    },
    config.tls !== 'never',
  );

  const negotiation = negotiate(account, {
    send,
    startTls: () => void secured((bindings) => negotiation.secured(bindings)),
    restart: () => splitter.restart(),
    authenticated(mechanism) {
      config.authenticated(mechanism);
      startDaemons();
    },
    early: () => {},
    online,
    failed: end,
  });

  async function secured(then: (bindings: Bindings) => void): Promise<void> {
    try {
      then(await config.secure(link));
    } catch (error) {
      linkAlive = false;
      end(error);
    }
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
    trace('recv', piece.buf.toString('utf8', piece.start, piece.end));
    if (phase === 'negotiating') return negotiation.element(treeOf(piece), piece.behind);
    const way = routeIncoming(piece, asked);
    if (way === 'error') throw streamFault(treeOf(piece));
    if (way !== null) daemons.get(way)?.put(piece.canonical ? piece : canonical(treeOf(piece)));
    else if (waiting.farewell && piece.name === 'iq' && treeOf(piece).attrs.id === FAREWELL) waiting.farewell();
  }

  function flushDaemons(): void {
    let free = true;
    for (const daemon of daemons.values()) if (!daemon.flush() && daemon.running) free = false;
    if (free) link.resume();
    else link.pause();
  }

  // What goes to the server.

  function send(text: string): void {
    if (!linkAlive) return;
    trace('sent', text);
    link.write(text);
  }

  function flushOutgoing(): void {
    const batch = outgoing.take();
    if (batch !== null && linkAlive && !link.write(batch)) setOutgoing(false);
  }

  /** Lets local programs go on writing, or makes them wait. */
  function setOutgoing(flow: boolean): void {
    if (flow) fifo?.resume();
    else fifo?.pause();
    for (const daemon of daemons.values()) {
      if (flow && phase !== 'negotiating') daemon.resume();
      else daemon.pause();
    }
  }

  /** Reads stanzas of a local program; `name` is told in complaints. */
  function source(name: string): Splitter {
    const known = sources.get(name);
    if (known) return known;
    const drop = (why: string) => {
      say.warn(`${name}: dropped a stanza: ${why}`);
      logEvent(dir, 'error', '', `${name}: dropped a stanza: ${why}`);
    };
    const made = createSplitter('fragments', {
      stanza(piece) {
        const why = checkOutgoing(piece, asked);
        if (why !== null) return drop(why);
        trace('sent', piece.buf.toString('utf8', piece.start, piece.end));
        outgoing.put(piece.canonical ? piece : canonical(treeOf(piece)));
      },
      fault: (error) => drop(error.message),
    });
    sources.set(name, made);
    return made;
  }

  function sent(name: string, chunk: Buffer): void {
    source(name).push(chunk);
    flushOutgoing();
  }

  // The session.

  function startDaemons(): void {
    const env: NodeJS.ProcessEnv = { ...process.env, SJ_DIR: dir, SJ_JID: bare };
    // On Node 20 it costs each program 50 ms at its start.
    delete env.NODE_EXTRA_CA_CERTS;
    const on = {
      data: sent,
      drain: flushDaemons,
      exit(name: string, how: string, clean: boolean) {
        if (!clean) daemonDied = true;
        waiting.exits?.();
        if (phase === 'negotiating' || phase === 'online') end(new Fatal(EXIT.temporary, `${name} ${how}`));
      },
    };
    for (const name of ['messaged', 'presenced', 'iqd'] as const) {
      const args = name === 'messaged' ? ['-d', dir, '-j', bare] : ['-d', dir];
      const daemon = startDaemon(name, args, env, on);
      daemon.pause();
      daemons.set(name, daemon);
    }
  }

  function online({ jid }: Session): void {
    if (!config.ours()) throw new Fatal(EXIT.usage, `${dir} was taken over by another sj`);
    if (bareOf(jid) !== bare) say.warn(`the server calls this account ${jid}`);
    phase = 'online';
    asked = createAsked(jid);
    setState(dir, `online ${jid}`);
    logEvent(dir, 'online', bare, jid);
    // Servers tell of changed subscriptions only who has asked for the roster (RFC 6121 section 2.2).
    send("<iq type='get' id='sj:roster'><query xmlns='jabber:iq:roster'/></iq>");
    fifo = openFifo(path.join(dir, 'in'), {
      data: (chunk) => sent('in', chunk as Buffer),
      eof: () => sources.get('in')?.eof(),
      error: (error) => end(new Fatal(EXIT.temporary, `cannot read ${path.join(dir, 'in')}: ${reason(error)}`)),
    });
    setOutgoing(true);
  }

  function watch(): void {
    const { verdict, next } = liveness.check(now());
    if (verdict === 'dead') {
      linkAlive = false;
      return end(
        new Fatal(EXIT.temporary, `no answer from the server for ${Math.round(config.timeout / 1000)} seconds`),
      );
    }
    if (verdict === 'ask' && phase === 'online')
      send(`<iq type='get' id='sj:ping' to='${account.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    timer = setTimeout(watch, Math.ceil(next));
  }

  /** Ends the session once, whatever comes together. */
  function end(cause: unknown): void {
    if (phase === 'over' || phase === 'leaving') return;
    const wasOnline = phase === 'online';
    phase = 'leaving';
    clearTimeout(timer);
    const fatal = cause === null ? null : cause instanceof Fatal ? cause : new Fatal(EXIT.temporary, reason(cause));
    if (fatal !== null) say.fatal(fatal.message);
    leave(wasOnline).then(() => {
      phase = 'over';
      if (wasOnline) logEvent(dir, 'offline', bare, fatal?.message ?? '');
      setState(dir, fatal === null ? 'offline' : `failed ${fatal.message}`);
      resolveExit(fatal?.code ?? EXIT.ok);
    });
  }

  async function leave(wasOnline: boolean): Promise<void> {
    const force = setTimeout(() => {
      for (const daemon of daemons.values()) daemon.kill();
    }, END.all - 200);
    if (wasOnline && linkAlive) {
      // Messages stop coming once the server knows; what it sent before that is still to be written down.
      const farewell = event('farewell', END.farewell);
      send(`<presence type='unavailable'/><iq type='get' id='${FAREWELL}'><ping xmlns='urn:xmpp:ping'/></iq>`);
      await Promise.all([fifo?.drain(50), farewell]);
    }
    fifo?.close();
    sources.get('in')?.eof();
    if (!linkAlive) for (const daemon of daemons.values()) daemon.cutBack();
    setOutgoing(true);
    flushDaemons();
    for (const daemon of daemons.values()) daemon.end();
    const gone = () => [...daemons.values()].every((daemon) => !daemon.running);
    const deadline = now() + END.daemons;
    while (!gone() && now() < deadline) await event('exits', deadline - now());
    for (const daemon of daemons.values()) daemon.kill();
    if (daemonDied || !gone()) clearPresences(dir, say.warn);
    flushOutgoing();
    if (linkAlive) {
      const closed = event('close', END.close);
      send('</stream:stream>');
      link.finish();
      await closed;
    }
    link.destroy();
    clearTimeout(force);
  }

  /** Waits for something, but not for ever; in milliseconds. */
  function event(what: keyof typeof waiting, limit: number): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timeout);
        delete waiting[what];
        resolve();
      };
      const timeout = setTimeout(over, limit);
      waiting[what] = over;
    });
  }

  setState(dir, 'connecting');
  stop.addEventListener('abort', () => end(null));
  if (config.tls === 'direct') secured((bindings) => negotiation.start(bindings));
  else negotiation.start(null);
  watch();
  return exit;
}

const FAREWELL = 'sj:farewell';
