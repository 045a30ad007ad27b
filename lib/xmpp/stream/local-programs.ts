/**
 * The local programs of a session: the daemons, and whoever writes stanzas into `in`. What they send is checked here
 * and collected; what the server sends is handed to the daemons here.
 */
import path from 'node:path';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { findProgram } from '../../cli/find-program.ts';
import { limitsText } from '../../cli/limits.ts';
import type { Say } from '../../cli/messages.ts';
import type { BackChannel } from '../../session/back-channels.ts';
import { createBatch, type Stanza } from '../../session/batch.ts';
import type { Control } from '../../session/control.ts';
import { type Daemon as SessionDaemon, startDaemon } from '../../session/daemons.ts';
import { createHandshake } from '../../session/handshake.ts';
import { createReports } from '../../sys/bursts.ts';
import { reason } from '../../sys/errno.ts';
import { openSteadyFifo, type SteadyFifo } from '../../sys/steady.ts';
import { logEvent } from '../../tree/events.ts';
import { readRequests, writeRequests } from '../../tree/requests-file.ts';
import { createSplitter, type Piece, type Splitter } from '../../xml/split.ts';
import { canonical } from '../../xml/write.ts';
import { CONTROL_NS, controlText, readControl } from '../codec/control.ts';
import { type Limits, mostSent, stanzaLimits } from '../limits.ts';
import type { Asked } from './asked.ts';
import { idOf } from './ledger.ts';
import type { Incoming } from './manage.ts';
import { createRequests } from './requests.ts';
import { createRooms } from './rooms.ts';
import { readRooms, writeRooms } from './rooms-file.ts';
import { checkOutgoing, type DaemonName, rootOf, textOf, treeOf } from './route.ts';
import { createShown } from './shown.ts';
import type { Trace } from './trace.ts';

type Daemon = SessionDaemon<DaemonName>;

export type LocalProgramEvents = {
  /** There is something to `take`, or a daemon has dealt with something. */
  batch(): void;
  /** A daemon that was behind takes stanzas again. */
  drain(): void;
  /** A daemon has ended. */
  exit(name: DaemonName, how: string): void;
};

export type LocalPrograms = {
  /** Starts the daemons; what they send waits until `online`. */
  start(): void;
  /** The session is there. */
  online(session: {
    name: string;
    resumed: boolean;
    incoming: Incoming<DaemonName>;
    asked: Asked;
    most: number;
    /** The language of what does not name its own. */
    lang?: string | undefined;
    /** The session before a new one. */
    past: { readonly name: string; readonly acked: number } | null;
  }): void;
  /** Looks at presence from the server, which may be that of a room. */
  presence(stanza: Piece): void;
  /** Hands a stanza to a daemon with the next `flush`. */
  put(to: DaemonName, stanza: Stanza): void;
  /** Tells messaged, which shows it where the sender is known, that something of this sender is not handed on. */
  skipped(from: string, why: string): void;
  /** @returns false if a daemon is behind: no more should be read before `drain` */
  flush(): boolean;
  /** What local programs want to send, as lines; null if there is nothing. `parts` gets each stanza by itself. */
  take(parts?: Buffer[]): Buffer | null;
  /** Whether a daemon has sent something and was not told what became of it. */
  readonly hasUnconfirmed: boolean;
  /** To be called when what was taken until now is safe: tells the daemons so. */
  taken(): () => void;
  /** Lets local programs go on writing, or makes them wait. */
  flow(on: boolean): void;
  /** Looks whether `in` is still the one that is read. */
  check(): void;
  /** Reads what writers of `in` still have to say. */
  drainIn(grace: number): Promise<void>;
  /** No more stanzas for the daemons. @param bye the session is over for good */
  end(bye: boolean): void;
  /** Reads nothing more from the daemons. */
  cutBack(): void;
  kill(): void;
  /** Nothing more happens. */
  close(): void;
  /** Whether any daemon is there, and whether one has ended as it should not. */
  readonly running: boolean;
  readonly died: boolean;
};

type Source = {
  readonly splitter: Splitter;
  /** How many stanzas it has sent; so many of the next ones may have been taken before. */
  count: number;
  again: number;
};

/** Those that every session needs at once; and one that can wait, in milliseconds, until these are there. */
const FIRST = ['messaged', 'presenced'] as const;
const LATER = { name: 'iqd', most: 500 } as const;

export type LocalProgramsConfig = {
  /** On which the daemons send, one for each. */
  channels: readonly (BackChannel | null)[];
  dir: string;
  /** The own bare JID. */
  bare: string;
  limits: Limits;
  say: Say;
  trace: Trace;
  /** Whether a message of this id has been sent by an earlier sj. */
  sentBefore: (id: string) => boolean;
};

/** So many reports of what was not handed on are kept until messaged is there to hear them. */
const MOST_SKIPPED = 64;

/** Bytes of daemons that are kept until there is a session. */
const MOST_HELD = 1_048_576;

export function createLocalPrograms(config: LocalProgramsConfig, on: LocalProgramEvents): LocalPrograms {
  const { dir, bare, limits, say, trace, sentBefore } = config;
  const channels = [...config.channels];
  const daemons = new Map<DaemonName, Daemon>();
  const sources = new Map<string, Source>();
  const outgoing = createBatch();
  const shown = createShown();
  let rooms = createRooms();
  let requests = createRequests();
  /** What daemons have sent before the session was there. */
  let held: { name: DaemonName; chunk: Buffer }[] = [];
  let session: Parameters<LocalPrograms['online']>[0] | null = null;
  const skipped: Control[] = [];
  let fifo: SteadyFifo | null = null;
  /** How many of its stanzas a daemon knows to be taken. */
  const told = new Map<Daemon, number>();
  const handshake = createHandshake<Daemon>((daemon, n) => {
    session?.incoming.done(daemon.name, n);
    on.batch();
  });
  /** What the daemon that can wait is started with, until it is. */
  let last: { env: NodeJS.ProcessEnv; timer: NodeJS.Timeout } | null = null;
  let died = false;
  let flowing = false;

  const reports = createReports((text) => {
    say.warn(text);
    logEvent(dir, 'error', '', text);
  });
  const most = mostSent(limits);
  const mostOf = (name: string) => Math.min(name === 'iq' ? Math.max(limits.iq, most) : most, session?.most ?? most);

  /** Who says much before there is a session has to wait. */
  function hold(name: DaemonName, chunk: Buffer): void {
    held.push({ name, chunk });
    const size = held.reduce((sum, one) => sum + one.chunk.length, 0);
    if (size > MOST_HELD) daemons.get(name)?.pause();
  }

  function tell(daemon: Daemon, control: Control): void {
    if (daemon.tells && daemon.running) daemon.put(controlText(control));
  }

  function source(name: string): Source {
    const known = sources.get(name);
    if (known) return known;
    const refuse = (why: string) => {
      reports.add(`${name}: dropped a stanza: ${why}`, `${name}: dropped a stanza`);
      const daemon = daemons.get(name as DaemonName);
      if (!daemon?.tells) return;
      tell(daemon, { what: 'refused', n: made.count, reason: why });
      daemon.flush();
    };
    const made: Source = {
      count: 0,
      again: 0,
      splitter: createSplitter(
        // Many write into `in`; what a daemon sends is whole, and may quote others.
        name === 'in' ? 'fragments' : 'lines',
        {
          stanza(piece) {
            const daemon = daemons.get(name as DaemonName);
            if (daemon !== undefined && piece.ns === CONTROL_NS) return heard(daemon, made, piece);
            made.count++;
            if (made.again > 0 && made.again-- && repeated(piece)) return;
            const text = textOf(piece, mostOf(piece.name));
            if (text === null) return refuse(`a stanza of more than ${mostOf(piece.name)} bytes`);
            const why = checkOutgoing(piece, session!.asked);
            if (why !== null) return refuse(why);
            trace('sent', piece);
            outgoing.put(text);
            shown.sent(piece);
            if (piece.name !== 'presence' || rootOf(piece).attrs.to === undefined) return;
            rooms.sent(treeOf(piece));
            requests.sent(rootOf(piece).attrs);
            noteRequests();
          },
          fault(error) {
            made.count++;
            refuse(error.message);
          },
        },
        { limits: { ...stanzaLimits(limits), bytes: most } },
      ),
    };
    sources.set(name, made);
    return made;
  }

  function noteRequests(): void {
    const open = requests.changed();
    if (open !== null) writeRequests(dir, open);
  }

  function repeated(piece: Piece): boolean {
    const id = idOf(Buffer.from(canonical(treeOf(piece))));
    return id !== null && sentBefore(id);
  }

  function heard(daemon: Daemon, from: Source, piece: Piece): void {
    const control = readControl(treeOf(piece));
    if (control?.what === 'again') from.again = control.n;
    else if (control?.what === 'done') session!.incoming.done(daemon.name, control.n);
    else if (control?.what === 'hello') introduce(daemon);
  }

  function introduce(daemon: Daemon): void {
    daemon.tells = true;
    const { name: id, resumed, incoming, lang, past } = session!;
    const before = daemon.name === 'messaged' && past !== null ? { past: past.name, acked: past.acked } : {};
    if (daemon.name === 'messaged')
      // What it was given before it said hello comes after this, too.
      for (const [jid, nick] of rooms.joined) tell(daemon, { what: 'room', jid, nick, on: true });
    tell(daemon, { what: 'session', id, n: incoming.given(daemon.name), resumed, ...(lang && { lang }), ...before });
    if (daemon.name === 'messaged') for (const report of skipped.splice(0)) tell(daemon, report);
    if (daemon.name === 'iqd') shown.begin((control) => tell(daemon, control));
    // There may be nothing else for it to come along with.
    daemon.flush();
    if (FIRST.every((name) => daemons.get(name)?.tells)) startLast();
    handshake.said(daemon);
  }

  function finish(daemon: Daemon, bye: boolean): void {
    if (bye) tell(daemon, { what: 'bye' });
    daemon.flush();
    daemon.end(!bye && daemon.name === 'messaged' && Number(process.env.SJ_LINGER) > 0);
  }

  function arrived(name: string, chunk: Buffer): void {
    source(name).splitter.push(chunk);
    on.batch();
  }

  function launch(name: DaemonName, env: NodeJS.ProcessEnv): void {
    const args = name === 'messaged' ? ['-d', dir, '-j', bare] : ['-d', dir];
    const channel = channels.shift() ?? null;
    const daemon = startDaemon(name, args, env, channel, {
      data(_, chunk) {
        if (session === null) hold(name, chunk);
        else arrived(name, chunk);
      },
      drain: on.drain,
      exit(_, how, clean) {
        if (!clean) died = true;
        else if (!daemon.tells) session?.incoming.done(name, session.incoming.given(name));
        on.exit(name, how);
      },
    });
    daemons.set(name, daemon);
    if (session !== null && !flowing) daemon.pause();
  }

  function startLast(): void {
    const how = last;
    forgetLast();
    try {
      if (how !== null) launch(LATER.name, how.env);
    } catch (error) {
      on.exit(LATER.name, `cannot be started: ${reason(error)}`);
    }
  }

  function forgetLast(): void {
    clearTimeout(last?.timer);
    last = null;
  }

  return {
    start() {
      const env: NodeJS.ProcessEnv = {
        ...process.env,
        SJ_DIR: dir,
        SJ_JID: bare,
        SJ_ACK: '1',
        SJ_LIMITS: limitsText(limits),
        // A heap for each of Node's threads would be four MiB more, for nothing (mallopt(3)).
        MALLOC_ARENA_MAX: '1',
      };
      // On Node 20 it costs each program 50 ms at its start.
      delete env.NODE_EXTRA_CA_CERTS;
      // That there is none is to be said now.
      findProgram(LATER.name);
      for (const name of FIRST) launch(name, env);
      last = { env, timer: setTimeout(startLast, LATER.most) };
    },

    online(given) {
      session = given;
      rooms = createRooms(given.resumed ? readRooms(dir, given.name) : []);
      if (!given.resumed) writeRooms(dir, given.name, rooms.joined);
      requests = createRequests(given.resumed ? readRequests(dir) : []);
      if (!given.resumed) writeRequests(dir, new Set());
      const file = path.join(dir, 'in');
      try {
        fifo = openSteadyFifo(file, {
          data: (chunk) => arrived('in', chunk),
          eof() {
            sources.get('in')?.splitter.eof();
            on.batch();
          },
          trouble(why) {
            say.warn(`cannot read ${file}: ${why}; it is tried again`);
            logEvent(dir, 'error', '', `cannot read in: ${why}`);
          },
        });
      } catch (error) {
        throw new Fatal(EXIT.temporary, `cannot open ${file}: ${reason(error)}`);
      }
      flowing = true;
      handshake.open();
      const early = held;
      held = [];
      for (const daemon of daemons.values()) daemon.resume();
      for (const { name, chunk } of early) source(name).splitter.push(chunk);
      on.batch();
    },

    presence(stanza) {
      const { attrs } = rootOf(stanza);
      if (attrs.type !== undefined) requests.heard(attrs);
      if (!rooms.concerns(attrs.from)) return;
      const change = rooms.heard(treeOf(stanza));
      if (change === null) return;
      writeRooms(dir, session!.name, rooms.joined);
      const messaged = daemons.get('messaged');
      if (messaged !== undefined) tell(messaged, { what: 'room', ...change });
    },

    put(to, stanza) {
      if (to === LATER.name) startLast();
      daemons.get(to)?.put(stanza);
    },
    skipped(from, reason) {
      const report: Control = { what: 'skipped', from, reason };
      const daemon = daemons.get('messaged');
      if (daemon?.tells) {
        tell(daemon, report);
        daemon.flush();
      } else if (skipped.length < MOST_SKIPPED) skipped.push(report);
    },
    flush() {
      noteRequests();
      let free = true;
      for (const daemon of daemons.values()) {
        const given = session?.incoming.given(daemon.name) ?? 0;
        if (!daemon.flush(daemon.tells ? undefined : () => handshake.piped(daemon, given)) && daemon.running)
          free = false;
      }
      return free;
    },

    take: outgoing.take,
    get hasUnconfirmed() {
      for (const [name, { count }] of sources) {
        const daemon = daemons.get(name as DaemonName);
        if (daemon?.tells && count > (told.get(daemon) ?? 0)) return true;
      }
      return false;
    },
    taken() {
      const counts = [...daemons.values()].map((daemon) => ({ daemon, n: sources.get(daemon.name)?.count ?? 0 }));
      return () => {
        for (const { daemon, n } of counts) {
          if (n <= (told.get(daemon) ?? 0)) continue;
          told.set(daemon, n);
          tell(daemon, { what: 'sent', n });
        }
      };
    },

    flow(wanted) {
      if (wanted === flowing) return;
      flowing = wanted;
      if (wanted) fifo?.resume();
      else fifo?.pause();
      for (const daemon of daemons.values()) {
        if (wanted) daemon.resume();
        else daemon.pause();
      }
    },
    check: () => fifo?.check(),
    async drainIn(grace) {
      await fifo?.drain(grace);
      sources.get('in')?.splitter.eof();
    },
    end(bye) {
      forgetLast();
      fifo?.close();
      for (const daemon of daemons.values()) {
        daemon.resume();
        // It may not know yet to which session belongs what it was given, and could not tell it from what comes again.
        handshake.after(daemon, () => finish(daemon, bye));
      }
    },
    close: reports.close,
    cutBack() {
      handshake.close();
      for (const daemon of daemons.values()) daemon.cutBack();
    },
    kill() {
      for (const daemon of daemons.values()) if (daemon.running) daemon.kill();
    },
    get running() {
      return [...daemons.values()].some((daemon) => daemon.running);
    },
    get died() {
      return died;
    },
  };
}
