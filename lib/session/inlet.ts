/**
 * What a daemon hears from sj, if sj keeps account of what it hands out (SJ_ACK in the environment): stanzas with their
 * numbers, and the control elements between them. The daemon says hello, and what comes before sj has named the session
 * is held back, because it has no number yet.
 */
import type { Outlet } from '../sys/outlet.ts';
import type { ControlCodec } from './control.ts';

export type SessionInfo = {
  readonly id: string;
  /** The stream goes on where it broke; else it is a new one. */
  readonly resumed: boolean;
  /** The language of what does not name its own, if the server has said it. */
  readonly lang?: string | undefined;
  /** Of the session before a new one: its id, and how many of the daemon's stanzas the server knows to have arrived. */
  readonly past?: string | undefined;
  readonly acked?: number | undefined;
};

export type InletEvents<Frame> = {
  /** The session is known; it is called before the first stanza. */
  session(session: SessionInfo): void;
  /** A stanza, and its number in the session; null if there is no session to have one in. */
  stanza(frame: Frame, n: number | null): void;
  /** sj has taken the first `n` stanzas that this daemon has sent. */
  sent?(n: number): void;
  /** sj does not send stanza `n`. */
  refused?(n: number, reason: string): void;
  /** A stanza of this sender is not handed on, and why. */
  skipped?(from: string, reason: string): void;
  /** We are in a room, under a nick; or we have left it. */
  room?(jid: string, nick: string, on: boolean): void;
  /** Own presence was shown to somebody, or with an empty text to everybody; or it was taken back. */
  shown?(to: string, on: boolean): void;
};

export type Inlet<Frame> = {
  /** Tells sj that this daemon knows of all this. To be called once, before anything is sent. */
  hello(): void;
  /** Takes what was read. */
  take(frame: Frame): void;
  /** Nothing more comes: what was held back has no number. */
  end(): void;
  /** The daemon has dealt with all stanzas up to number `n`. */
  done(n: number): void;
  /** The session is over for good. */
  readonly bye: boolean;
};

/** Whether sj keeps account, to be asked before a daemon starts anything else; its children are to know nothing of what sj has set. */
export function takeAck(env: NodeJS.ProcessEnv): boolean {
  const told = env.SJ_ACK === '1';
  delete env.SJ_ACK;
  if (told) delete env.MALLOC_ARENA_MAX;
  return told;
}

export function createInlet<Frame>(
  out: Pick<Outlet, 'send'>,
  codec: ControlCodec<Frame>,
  on: InletEvents<Frame>,
): Inlet<Frame> {
  let held: Frame[] = [];
  let known = false;
  let last = 0;
  let told = 0;
  let bye = false;

  function release(first: number | null): void {
    const early = held;
    held = [];
    early.forEach((frame, i) => {
      on.stanza(frame, first === null ? null : first + i);
    });
  }

  function control(frame: Frame): void {
    const heard = codec.read(frame);
    switch (heard?.what) {
      case 'session':
        // A process is of one session.
        if (known) break;
        // What came before has been counted already.
        last = heard.n;
        told = 0;
        on.session({
          id: heard.id,
          resumed: heard.resumed,
          ...(heard.lang && { lang: heard.lang }),
          ...(heard.past && { past: heard.past, acked: heard.acked }),
        });
        known = true;
        release(last - held.length + 1);
        break;
      case 'sent':
        on.sent?.(heard.n);
        break;
      case 'refused':
        on.refused?.(heard.n, heard.reason);
        break;
      case 'skipped':
        on.skipped?.(heard.from, heard.reason);
        break;
      case 'room':
        on.room?.(heard.jid, heard.nick, heard.on);
        break;
      case 'shown':
        on.shown?.(heard.to, heard.on);
        break;
      case 'bye':
        bye = true;
    }
  }

  return {
    hello: () => void out.send(codec.write({ what: 'hello' })),
    take(frame) {
      if (codec.isControl(frame)) control(frame);
      else if (known) on.stanza(frame, ++last);
      else held.push(frame);
    },
    end: () => release(null),
    done(n) {
      if (n <= told) return;
      told = n;
      out.send(codec.write({ what: 'done', n }));
    },
    get bye() {
      return bye;
    },
  };
}
