/**
 * Who may know that we are there: those who may see our presence, and nobody else may learn it by asking (RFC 6121
 * section 8.5.3.2, XEP-0199 section 6). What the user has written into `mypresence` decides, and the subscriptions that
 * the server has told of.
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
  /** From now on what is known is kept as well; and this is known from before. */
  remember(notes: Notes): void;
};

export type AudienceOptions = {
  readonly dir: string;
  /** The own JID, if known. */
  readonly own: string | undefined;
  readonly bareOf: (jid: string) => string | null;
};

const GROUP = 'subscribers';

export function createAudience({ dir, own, bareOf }: AudienceOptions): Audience {
  const account = bareOf(own ?? '');
  const domain = account?.slice(account.indexOf('@') + 1);
  const subscribers = new Set<string>();
  let notes: Notes | null = null;

  function take(payload: Element): void {
    for (const { jid, subscription } of rosterItems(payload)) {
      const bare = bareOf(jid);
      if (bare === null) continue;
      if (subscription === 'from' || subscription === 'both') {
        if (!subscribers.has(bare)) notes?.set(GROUP, bare, true);
        subscribers.add(bare);
      } else if (subscribers.delete(bare)) notes?.remove(GROUP, bare);
    }
  }

  function sees(bare: string): boolean {
    const theirs = shown(path.join(dir, dirName(bare), 'mypresence'));
    return theirs ?? (subscribers.has(bare) && (shown(path.join(dir, 'mypresence')) ?? true));
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
      notes?.clear(GROUP);
      take(answer);
    },
    push: take,
    remember(given) {
      notes = given;
      for (const bare of given.known?.groups.get(GROUP)?.keys() ?? []) subscribers.add(bare);
    },
  };
}

/** Whether a `mypresence` file shows anything; null if there is none. One that can't be read shows nothing. */
function shown(file: string): boolean | null {
  try {
    const own = readOwn(file);
    return own && own.show !== 'offline';
  } catch {
    return false;
  }
}
