/**
 * Who may know that we are there: those who may see our presence, and nobody else may learn it by asking (RFC 6121
 * section 8.5.3.2, XEP-0199 section 6). That is decided by what presence was sent, which sj tells of; where it is not
 * known, by what the user has written into `mypresence`; and by the subscriptions that sj writes into `.roster`.
 */
import path from 'node:path';
import type { Notes } from '../../store/notes.ts';
import { dirName } from '../../tree/names.ts';
import { openFriends } from '../../tree/newcomers.ts';
import { readOwn } from '../../tree/own-presence-file.ts';

/** `self`: the own account, or its server. */
export type Trust = 'self' | 'contact' | 'stranger';

export type Audience = {
  /** Who somebody is to us; undefined is our server. */
  of(from: string | undefined): Trust;
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

const SHOWN = 'shown';

/** Subscriptions by which a contact sees own presence (RFC 6121 section 2.1.2.5). */
const SUBSCRIBED: ReadonlySet<string | undefined> = new Set(['from', 'both']);

/** Of so many it is remembered what they were shown. */
const MOST = 10_000;

export function createAudience({ dir, own, bareOf }: AudienceOptions): Audience {
  const account = bareOf(own ?? '');
  const domain = account?.slice(account.indexOf('@') + 1);
  const friends = openFriends(dir);
  /** Whether they were shown it, by bare JID; everybody by the empty text. */
  const told = new Map<string, boolean>();
  let notes: Notes | null = null;

  function sees(bare: string): boolean {
    const theirs = told.get(bare) ?? written(path.join(dir, dirName(bare), 'mypresence'));
    const all = () => told.get('') ?? written(path.join(dir, 'mypresence')) ?? true;
    return theirs ?? (SUBSCRIBED.has(friends.word(bare)) && all());
  }

  return {
    of(from) {
      if (from === undefined) return 'self';
      const bare = bareOf(from);
      if (bare === null) return 'stranger';
      if (bare === account || bare === domain) return 'self';
      return sees(bare) ? 'contact' : 'stranger';
    },
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
      for (const [bare, on] of given.known?.groups.get(SHOWN) ?? []) told.set(bare, on === true);
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
