/**
 * A daemon's part in a session of sj: what it hears (`inlet.ts`), and the notes that the process after it goes on with.
 * Until the notes can be opened nothing is handed on, and so nothing is dealt with that would not be remembered.
 */
import path from 'node:path';
import { type Notes, openNotes } from '../store/notes.ts';
import type { Complaints } from '../sys/complaints.ts';
import type { Outlet } from '../sys/outlet.ts';
import type { ControlCodec } from './control.ts';
import { createInlet, type Inlet, type InletEvents, type SessionInfo } from './inlet.ts';

export type DaemonSessionEvents<Frame> = Pick<InletEvents<Frame>, 'sent' | 'refused' | 'shown'> & {
  /** The session is there, and its notes: before the first stanza. */
  begin(notes: Notes, session: SessionInfo): void;
  /** A stanza, and its number in the session; `again`: it had been dealt with by the process before. */
  stanza(frame: Frame, n: number | null, again: boolean): void;
  /** No more should be read; or it may be, again. */
  hold(on: boolean): void;
};

export type DaemonSession<Frame> = Pick<Inlet<Frame>, 'hello' | 'take' | 'bye'> & {
  /** Nothing more comes. */
  end(): void;
  /** Writes the notes, and tells sj that everything through `n` is dealt with. @returns false if it can't be written */
  done(n: number): boolean;
  /** The session is there and its notes are not: what was heard waits. */
  readonly waiting: boolean;
};

/** How often, in milliseconds, to try again what a full or broken disk does not allow. */
export const AGAIN = 1000;

/** @param file where the notes are */
export function createDaemonSession<Frame>(
  out: Pick<Outlet, 'send'>,
  codec: ControlCodec<Frame>,
  file: string,
  complaints: Complaints,
  on: DaemonSessionEvents<Frame>,
): DaemonSession<Frame> {
  let session: SessionInfo | null = null;
  let notes: Notes | null = null;
  let through = Number.NEGATIVE_INFINITY;
  const backlog: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  const inlet = createInlet(out, codec, {
    ...on,
    session(given) {
      session = given;
      open();
    },
    stanza(frame, n) {
      if (session !== null && notes === null) backlog.push(() => take(frame, n));
      else take(frame, n);
    },
  });

  const take = (frame: Frame, n: number | null) => on.stanza(frame, n, n !== null && n <= through);

  function open(): void {
    if (session === null) return;
    try {
      notes = openNotes(file, session.id, session.resumed);
      complaints.well(file);
      if (notes.spoilt)
        complaints.warn(`${file}: some of it is spoilt; it is ${path.basename(file)}.spoilt now, and a new one begins`);
    } catch (error) {
      complaints.report(file, 'open', error);
      on.hold(true);
      timer = setTimeout(open, AGAIN);
      return;
    }
    through = notes.known?.through ?? through;
    on.begin(notes, session);
    release();
    on.hold(false);
  }

  function release(): void {
    for (const work of backlog.splice(0)) work();
  }

  return {
    hello: inlet.hello,
    take: inlet.take,
    get bye() {
      return inlet.bye;
    },
    end() {
      clearTimeout(timer);
      inlet.end();
      release();
    },
    done(n) {
      try {
        notes?.write(n);
        complaints.well(file);
      } catch (error) {
        complaints.report(file, 'write', error);
        return false;
      }
      inlet.done(n);
      return true;
    },
    get waiting() {
      return session !== null && notes === null;
    },
  };
}
