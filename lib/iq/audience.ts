/**
 * Who may know that we are there: those who may see our presence, and nobody else may learn it by asking (RFC 6121
 * section 8.5.3.2, XEP-0199 section 6). That is decided by what presence was sent, which sj tells of; where it is not
 * known, by what the user has written into `mypresence`; and by the subscriptions that the server has told of.
 */
import path from 'node:path';
import type { Element } from 'ltx';
import { dirName } from '../files/names.ts';
import type { Notes } from '../files/notes.ts';
import { readOwn } from '../presence/read.ts';
import { rosterItems } from './roster.ts';

/** `self`: the own account, or its server. */
export type Trust = 'self' | 'contact' | 'stranger';

export type Audience = {
  /** Who somebody is to us; undefined is our server. */
  of(from: string | undefined): Trust;
  /** The whole roster, as our server has answered. */
  roster(answer: Element): void;
  /** A change of it, pushed by our server. */
  push(request: Element): void;
  /** Own presence was shown to somebody, or with an empty text to everybody; or it was taken back. */
  shown(to: string, on: boolean): void;
  /** From now on what is known is kept as well; and this is known from before. */
  remember(notes: Notes): void;
};

export type AudienceOptions = {
  readonly dir: string;
  /** The own JID, if known. */
  readonly own: string | undefined;
  readonly bareOf: (jid: string) => string | null;
};

const SUBSCRIBERS = 'subscribers';
const SHOWN = 'shown';

/** Of so many it is remembered what they were shown. */
const MOST = 10_000;

export function createAudience({ dir, own, bareOf }: AudienceOptions): Audience {
  const account = bareOf(own ?? '');
  const domain = account?.slice(account.indexOf('@') + 1);
  const subscribers = new Set<string>();
  /** Whether they were shown it, by bare JID; everybody by the empty text. */
  const told = new Map<string, boolean>();
  let notes: Notes | null = null;

  function take(payload: Element): void {
    for (const { jid, subscription } of rosterItems(payload)) {
      const bare = bareOf(jid);
      if (bare === null) continue;
      if (subscription === 'from' || subscription === 'both') {
        if (!subscribers.has(bare)) notes?.set(SUBSCRIBERS, bare, true);
        subscribers.add(bare);
      } else if (subscribers.delete(bare)) notes?.remove(SUBSCRIBERS, bare);
    }
  }

  function sees(bare: string): boolean {
    const theirs = told.get(bare) ?? written(path.join(dir, dirName(bare), 'mypresence'));
    const all = () => told.get('') ?? written(path.join(dir, 'mypresence')) ?? true;
    return theirs ?? (subscribers.has(bare) && all());
  }

  return {
    of(from) {
      if (from === undefined) return 'self';
      const bare = bareOf(from);
      if (bare === null) return 'stranger';
      if (bare === account || bare === domain) return 'self';
      return sees(bare) ? 'contact' : 'stranger';
    },
    roster(answer) {
      subscribers.clear();
      notes?.clear(SUBSCRIBERS);
      take(answer);
    },
    push: take,
    shown(to, on) {
      const whom = to === '' ? '' : bareOf(to);
      if (whom === null) return;
      // It goes to everybody, also to whom was shown another one; and who goes, goes for all.
      if (whom === '') {
        told.clear();
        notes?.clear(SHOWN);
      }
      told.delete(whom);
      told.set(whom, on);
      notes?.set(SHOWN, whom, on);
      if (told.size <= MOST) return;
      const oldest = told.keys().next().value!;
      told.delete(oldest);
      notes?.remove(SHOWN, oldest);
    },
    remember(given) {
      notes = given;
      const { groups } = given.known ?? {};
      for (const bare of groups?.get(SUBSCRIBERS)?.keys() ?? []) subscribers.add(bare);
      for (const [bare, on] of groups?.get(SHOWN) ?? []) told.set(bare, on === true);
    },
  };
}

/** Whether a `mypresence` file shows anything; null if there is none. One that can't be read shows nothing. */
function written(file: string): boolean | null {
  try {
    const own = readOwn(file);
    return own && own.show !== 'offline';
  } catch {
    return false;
  }
}
