/**
 * The end of a session. An orderly one takes leave of the server, lets the daemons finish, and sees what has arrived; one
 * that is to be resumed just breaks off, because a stream that is closed is no session any more (XEP-0198 section 5).
 */
import { EXIT, type ExitCode } from '../../cli/exit.ts';
import type { Say } from '../../cli/messages.ts';
import type { Locals } from '../../session/local-programs.ts';
import { reason } from '../../sys/errno.ts';
import { clearPresences } from '../../tree/presence-file.ts';
import { dismiss } from '../../tree/takeover.ts';
import type { Link } from './link.ts';
import type { Sender } from './sender.ts';
import type { Upkeep } from './session-store.ts';

/** What can be waited for: answers of the server, the end of its stream, the end of a daemon. */
export type Awaited = 'farewell' | 'acknowledged' | 'close' | 'exits';

export type Parting = {
  /** It has happened. @returns whether anybody has waited for it */
  happened(what: Awaited): boolean;
  /** Ends everything. @param wasOnline whether there was a session; `code` is what its end means */
  leave(wasOnline: boolean, code: ExitCode): Promise<void>;
};

/** What we can still say to the server: anything; nothing more, for our stream is closed; nothing will arrive. */
export type Line = { state: 'open' | 'closed' | 'gone' };

export type PartingConfig = {
  dir: string;
  say: Say;
  upkeep: Upkeep;
  locals: Locals;
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
export const END = { all: 1900, farewell: 400, daemons: 800, acknowledged: 200, close: 300 };

const now = () => performance.now();

export function createParting({ dir, say, upkeep, locals, sender, link, line, ours }: PartingConfig): Parting {
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
      if (forGood) upkeep.wanted();
      sender.batch();
      const request = upkeep.request();
      if (forGood && line.state === 'open' && request !== '') {
        const acknowledged = event('acknowledged', END.acknowledged);
        sender.text(request);
        await acknowledged;
      }
      if (forGood) upkeep.over();
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
      const force = setTimeout(locals.kill, END.all - 200);
      const forGood = code === EXIT.ok || code === EXIT.refused || code === EXIT.usage;
      if (!forGood && upkeep.managed && line.state === 'open') line.state = 'gone';
      if (wasOnline && line.state === 'open') {
        // Messages stop coming once the server knows; what it sent before that is still to be written down.
        const farewell = event('farewell', END.farewell);
        attempt('take leave of the server', () => {
          sender.stanza("<presence type='unavailable'/>");
          sender.stanza(ping(FAREWELL));
        });
        await Promise.all([locals.drainIn(50), farewell]);
      }
      if (line.state !== 'open' && !upkeep.managed) locals.cutBack();
      locals.end(forGood);
      const deadline = now() + END.daemons;
      while (locals.running && now() < deadline) await event('exits', deadline - now());
      if (locals.died || locals.running) clearPresences(dir, say.warn);
      locals.kill();
      // Ours may have had no time to see to that.
      if (forGood) attempt(`see who is left in ${dir}`, () => void (ours() && dismiss(dir)));
      if (wasOnline) await settle(forGood);
      sender.last('</stream:stream>');
      if (line.state !== 'gone') {
        const closed = event('close', END.close);
        link.finish();
        await closed;
      }
      link.destroy();
      clearTimeout(force);
      attempt('keep the session', upkeep.close);
    },
  };
}
