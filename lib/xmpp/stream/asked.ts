/**
 * Which iq requests of local programs wait for an answer. An answer is let through once, and only from whom the
 * request was sent to: ids are short and guessable, so anybody else could answer, too.
 */

import { bareOf, full, tryJid } from '../jid/jid.ts';
import { DEFAULT_LIMITS } from '../limits.ts';

export type Asked = {
  /** A request goes out; one with the same id that is still open is forgotten. */
  ask(id: string, to: string | undefined): void;
  /** Whether this is the answer to an open request; if so, it is open no more. */
  answers(id: string, from: string | undefined): boolean;
  /** How many are open. */
  readonly size: number;
};

/** Who writes down what is asked, and what has been answered. */
export type AskedLog = { ask(id: string, to: string): void; answered(id: string): void };

/**
 * @param self the session's full JID. The server answers for the account and for itself, and may leave `from` out
 * (RFC 6120 section 8.1.2.1); it does not let others do so.
 * @param limit requests that are never answered must not add up: beyond this many, the oldest is forgotten
 * @param before requests of the same session that were sent on an earlier connection
 */
export function createAsked(
  self: string,
  before: Iterable<readonly [string, string]> = [],
  log?: AskedLog,
  limit = DEFAULT_LIMITS.requests,
): Asked {
  const open = new Map<string, string>(before);
  const account = bareOf(self) ?? self;
  const domain = account.slice(account.indexOf('@') + 1);
  const normal = (jid: string): string => {
    const parsed = tryJid(jid);
    return parsed === null ? jid : full(parsed);
  };
  return {
    ask(id, to) {
      open.delete(id);
      const whom = to === undefined || to === '' ? account : normal(to);
      open.set(id, whom);
      log?.ask(id, whom);
      if (open.size <= limit) return;
      const oldest = open.keys().next().value!;
      open.delete(oldest);
      log?.answered(oldest);
    },
    answers(id, from) {
      const to = open.get(id);
      if (to === undefined) return false;
      const own = to === account || to === domain;
      const right = from === undefined ? own : sameEntity(normal(from), to, own);
      if (right) {
        open.delete(id);
        log?.answered(id);
      }
      return right;
    },
    get size() {
      return open.size;
    },
  };

  function sameEntity(from: string, to: string, own: boolean): boolean {
    if (from === to) return true;
    // Servers answer what was sent to the account as the account, as the session, or as themselves.
    return own && to === account && (from === domain || from === normal(self));
  }
}
