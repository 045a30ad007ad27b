/**
 * The end of a session. An orderly one takes leave of the server, lets the daemons finish, and sees what has arrived; one
 * that is to be resumed just breaks off, because a stream that is closed is no session any more (XEP-0198 section 5).
 */
import { EXIT, type ExitCode } from '../../cli/exit.ts';
import type { Say } from '../../cli/messages.ts';
import { reason } from '../../sys/errno.ts';
import { clearPresences } from '../../tree/presence-file.ts';
import { terminate } from '../../tree/takeover.ts';
import type { Link } from './link.ts';
import type { LocalPrograms } from './local-programs.ts';
import type { Sender } from './sender.ts';
import type { SessionStore } from './session-store.ts';

/** What can be waited for: answers of the server, the end of its stream, the end of a daemon. */
export type Awaited = 'farewell' | 'acknowledged' | 'close' | 'exits';

export type Shutdown = {
  /** It has happened. @returns whether anybody has waited for it */
  happened(what: Awaited): boolean;
  /** Ends everything. @param wasOnline whether there was a session; `code` is what its end means */
  leave(wasOnline: boolean, code: ExitCode): Promise<void>;
};

/** What we can still say to the server: anything; nothing more, for our stream is closed; nothing will arrive. */
export type Line = { state: 'open' | 'closed' | 'gone' };

export type ShutdownConfig = {
  dir: string;
  say: Say;
  store: SessionStore;
  localPrograms: LocalPrograms;
  sender: Sender;
  link: Link;
  line: Line;
  /** Whether the directory is still ours. */
  ours: () => boolean;
};

/** The request that tells that the server has heard of our leave. */
export const FAREWELL = 'sj:farewell';

/** A request that everybody answers (XEP-0199). @param to default: the own account */
export const ping = (id: string, to?: string): string =>
  `<iq type='get' id='${id}'${to === undefined ? '' : ` to='${to}'`}><ping xmlns='urn:xmpp:ping'/></iq>`;

/** How long, in milliseconds, an orderly end may take in all, and its parts. */
export const END = { all: 1900, farewell: 400, daemons: 1100, acknowledged: 200, close: 300 };

const now = () => performance.now();

export function createShutdown({ dir, say, store, localPrograms, sender, link, line, ours }: ShutdownConfig): Shutdown {
  const waiting = new Map<Awaited, () => void>();

  /** Waits for something, but not for ever; in milliseconds. */
  function event(what: Awaited, limit: number): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timeout);
        waiting.delete(what);
        resolve();
      };
      const timeout = setTimeout(over, limit);
      waiting.set(what, over);
    });
  }

  /** Sends what the daemons had to say in the end, and sees what has arrived; or leaves that to the next session. */
  async function settle(forGood: boolean): Promise<void> {
    try {
      // What the server does not know to have arrived it keeps for the next session.
      if (forGood) store.wanted();
      sender.batch();
      const request = store.request();
      if (forGood && line.state === 'open' && request !== '') {
        const acknowledged = event('acknowledged', END.acknowledged);
        sender.text(request);
        await acknowledged;
      }
      if (forGood) store.over();
    } catch (error) {
      say.warn(`cannot keep the session: ${reason(error)}`);
    }
  }

  /** What can't be done at the end is no reason not to end. */
  function attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      say.warn(`cannot ${what}: ${reason(error)}`);
    }
  }

  return {
    happened(what) {
      const wait = waiting.get(what);
      wait?.();
      return wait !== undefined;
    },
    async leave(wasOnline, code) {
      const force = setTimeout(localPrograms.kill, END.all - 200);
      const forGood = code === EXIT.ok || code === EXIT.refused || code === EXIT.usage;
      if (!forGood && store.managed && line.state === 'open') line.state = 'gone';
      if (wasOnline && line.state === 'open') {
        // Messages stop coming once the server knows; what it sent before that is still to be written down.
        const farewell = event('farewell', END.farewell);
        attempt('take leave of the server', () => {
          sender.stanza("<presence type='unavailable'/>");
          sender.stanza(ping(FAREWELL));
        });
        await Promise.all([localPrograms.drainIn(50), farewell]);
      }
      if (line.state !== 'open' && !store.managed) localPrograms.cutBack();
      localPrograms.end(forGood);
      const deadline = now() + END.daemons;
      while (localPrograms.running && now() < deadline) await event('exits', deadline - now());
      if (localPrograms.died || localPrograms.running) clearPresences(dir, say.warn);
      localPrograms.kill();
      // Ours may have had no time to see to that.
      if (forGood) attempt(`see who is left in ${dir}`, () => void (ours() && terminate(dir)));
      if (wasOnline) await settle(forGood);
      sender.last('</stream:stream>');
      if (line.state !== 'gone') {
        const closed = event('close', END.close);
        link.finish();
        await closed;
      }
      link.destroy();
      clearTimeout(force);
      attempt('keep the session', store.close);
    },
  };
}
