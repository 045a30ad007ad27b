/** What the server has seen, for tests to wait on: no test needs to sleep. */
import { type Element, write } from './xml.ts';

/** A stanza that a client sent, stamped with the full JID it came from. */
export type Received = { jid: string; stanza: Element; xml: string };

/** What became of a session; `id` is that of stream management. */
export type SessionEvent =
  | { what: 'bound'; jid: string }
  | { what: 'enabled'; jid: string; id: string }
  /** It lost its connection, with so many stanzas not acknowledged. */
  | { what: 'hibernated'; jid: string; id: string; waiting: number }
  /** The client had `h` of our stanzas, we had `received` of its; `replaced`: its old connection was still there. */
  | { what: 'resumed'; jid: string; id: string; h: number; received: number; resent: number; replaced: boolean }
  /** A resumption has failed; the JID is bare. */
  | { what: 'refused'; jid: string; id: string; condition: string }
  /** `closed`, `lost`, `expired`, `refused`, `forgotten`, or a stream error; so many stanzas were not acknowledged. */
  | { what: 'ended'; jid: string; id: string; why: string; waiting: number };

export type Journal = {
  add(jid: string, stanza: Element): void;
  /** What is kept of the past, oldest first. */
  all(): readonly Received[];
  note(event: SessionEvent): void;
  /** All events of sessions, oldest first. */
  history(): readonly SessionEvent[];
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
  let events: SessionEvent[] = [];
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
    note(event) {
      events.push(event);
      if (events.length >= 2 * limit) events = events.slice(-limit);
      changed();
    },
    history: () => events,
    clear() {
      events = [];
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
