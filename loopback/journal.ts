/** What the server has seen, for tests to wait on: no test needs to sleep. */
import { type Element, write } from './xml.ts';

/** A stanza that a client sent, stamped with the full JID it came from. */
export type Received = { jid: string; stanza: Element; xml: string };

export type Journal = {
  add(jid: string, stanza: Element): void;
  /** What is kept of the past, oldest first. */
  all(): readonly Received[];
  clear(): void;
  /** Something else happened (a session came, went or got presence): looks at the conditions again. */
  changed(): void;
  /** Resolves with the first value of `check` that is neither undefined nor false; rejects after `ms`. */
  until<T>(check: () => T | undefined | false, ms?: number, what?: string): Promise<T>;
  /** The first stanza, past or to come, for which the predicate holds; rejects after `ms`. */
  waitFor(predicate: (received: Received) => boolean, ms?: number): Promise<Received>;
};

/** @param limit how many stanzas are kept at least; twice as many at most */
export function createJournal(limit: number): Journal {
  let kept: Received[] = [];
  let dropped = 0;
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const look of [...waiting]) look();
  };

  const until = <T>(check: () => T | undefined | false, ms = 10_000, what = 'condition'): Promise<T> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        waiting.delete(look);
        clearTimeout(timer);
        act();
      };
      const look = () => {
        try {
          const value = check();
          if (value !== undefined && value !== false) settle(() => resolve(value));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const timer = setTimeout(() => {
        const last = kept.slice(-5).map((r) => `\n  ${r.jid}: ${r.xml.slice(0, 500)}`);
        settle(() => reject(new Error(`no ${what} within ${ms} ms; last received:${last.join('') || ' nothing'}`)));
      }, ms);
      waiting.add(look);
      look();
    });

  return {
    add(jid, stanza) {
      kept.push({ jid, stanza, xml: write(stanza) });
      if (kept.length >= 2 * limit) {
        dropped += kept.length - limit;
        kept = kept.slice(-limit);
      }
      changed();
    },
    all: () => kept,
    clear() {
      dropped += kept.length;
      kept = [];
    },
    changed,
    until,
    waitFor(predicate, ms) {
      let seen = 0;
      return until(
        () => {
          const from = Math.max(seen - dropped, 0);
          seen = dropped + kept.length;
          return kept.slice(from).find(predicate);
        },
        ms,
        'stanza',
      );
    },
  };
}
