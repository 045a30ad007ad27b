/**
 * The user's side of the tree: `mypresence` of everybody and of each contact, and which contacts have a directory.
 * Changes are noticed by watching, and by looking at everything where watching may have missed something.
 */
import path from 'node:path';
import type { Complaints } from '../sys/complaints.ts';
import { watchTree } from '../sys/watch.ts';
import { contactOf, listContacts } from '../tree/contact.ts';
import type { Own } from '../tree/mypresence.ts';
import { RESERVED } from '../tree/names.ts';
import { EMPTY, readOwn } from '../tree/own-presence-file.ts';

export type TreeEvents = {
  /** The directory is there; it may be another one than before, or just have been touched. */
  appeared(jid: string, directory: string): void;
  vanished(jid: string): void;
  /**
   * Own presences that were read, changed or not: the one for everybody, and those for contacts; null where there is
   * no file. Undefined: not looked at, or it can't be read.
   */
  read(global: Own | null | undefined, contacts: ReadonlyMap<string, Own | null>): void;
  /** Everything is being looked at again. */
  rescan(): void;
};

export type Tree = {
  /** Looks at the presence for everybody, now. */
  readGlobal(): void;
  /** Looks at everything, now. */
  scan(): void;
  /** Looks at everything, soon. */
  rescan(): void;
  /** Reports nothing until `resume`; what changes meanwhile is reported then. */
  pause(): void;
  resume(): void;
  close(): void;
};

/**
 * A writer truncates the file first and writes then; so much later, in milliseconds, it should be done. A file that is
 * empty even so is looked at once more: empty means `online`, and should not be told by mistake.
 */
const SETTLE = 30;

const FILE = 'mypresence';

/**
 * Begins to watch. What is there already is found by the first `scan`.
 * @param bareOf the bare JID in normal form, or null for what is no JID
 */
export function openTree(
  dir: string,
  bareOf: (jid: string) => string | null,
  complaints: Complaints,
  on: TreeEvents,
): Tree {
  /** The contacts' directories by name. */
  const known = new Map<string, string>();
  /** Names to look at; true: their entry in the account directory itself has changed. */
  const changed = new Map<string, boolean>();
  /** Names of which the file was empty when it was looked at last. */
  const empty = new Set<string>();
  let all = false;
  let timer: NodeJS.Timeout | undefined;
  let paused = false;

  /** @param name of a contact, or FILE; undefined: nothing to be told, now at least */
  const read = (name: string, hasty: boolean): Own | null | undefined => {
    const file = name === FILE ? path.join(dir, FILE) : path.join(dir, name, FILE);
    try {
      const own = readOwn(file);
      complaints.well(file);
      if (own !== EMPTY) empty.delete(name);
      else if (hasty && !empty.has(name)) {
        empty.add(name);
        note(name, false);
        return undefined;
      }
      return own;
    } catch (error) {
      // Not to be taken for a file that is gone: that would tell people something.
      complaints.report(file, 'read', error);
      return undefined;
    }
  };

  /** Names that are not the normal form of a JID are messaged's to complain of: nobody is behind them. */
  const isJid = (jid: string): boolean => bareOf(jid) === jid;

  const look = (name: string, jid: string, hasty: boolean, contacts: Map<string, Own | null>) => {
    const own = read(name, hasty);
    if (own !== undefined) contacts.set(jid, own);
  };

  const appear = (name: string, jid: string) => {
    // The watch first, then a look: what is written in between is seen by one of them.
    watch.add(name);
    known.set(name, jid);
    on.appeared(jid, path.join(dir, name));
  };

  const vanish = (name: string, jid: string, contacts: Map<string, Own | null>) => {
    watch.remove(name);
    known.delete(name);
    empty.delete(name);
    on.vanished(jid);
    contacts.set(jid, null);
  };

  const check = (name: string, entry: boolean, contacts: Map<string, Own | null>) => {
    const contact = contactOf(dir, name);
    const before = known.get(name);
    if (contact === null || 'error' in contact || !isJid(contact.jid)) {
      if (before !== undefined) vanish(name, before, contacts);
      return;
    }
    // If the directory was removed and made again in between, its watch has gone with it, so there is another one.
    if (before === undefined || entry) appear(name, contact.jid);
    look(name, contact.jid, true, contacts);
  };

  const checkAll = (hasty: boolean, contacts: Map<string, Own | null>) => {
    on.rescan();
    const gone = new Map(known);
    for (const { name, jid } of listContacts(dir)) {
      if (!known.has(name)) {
        if (!isJid(jid)) continue;
        appear(name, jid);
      }
      gone.delete(name);
      look(name, jid, hasty, contacts);
    }
    for (const [name, jid] of gone) vanish(name, jid, contacts);
  };

  /** @param hasty somebody may be writing right now */
  const apply = (hasty: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    if (paused) return;
    const names = new Map(changed);
    const everything = all;
    changed.clear();
    all = false;
    const contacts = new Map<string, Own | null>();
    const global = everything || names.delete(FILE) ? read(FILE, hasty) : undefined;
    try {
      if (everything) checkAll(hasty, contacts);
      else for (const [name, entry] of names) check(name, entry, contacts);
      complaints.well(dir);
    } catch (error) {
      complaints.report(dir, 'read', error);
    }
    on.read(global, contacts);
  };

  const soon = () => {
    if (!paused) timer ??= setTimeout(() => apply(true), SETTLE);
  };
  const note = (name: string, entry: boolean) => {
    changed.set(name, entry || changed.get(name) === true);
    soon();
  };
  const rescan = () => {
    all = true;
    soon();
  };

  const watch = watchTree(dir, {
    base(name) {
      if (name === FILE || !(RESERVED.has(name) || name.startsWith('.'))) note(name, true);
    },
    contact(name, file) {
      if (file === FILE) note(name, false);
    },
    rescan,
    warn: complaints.warn,
  });

  return {
    readGlobal: () => on.read(read(FILE, false), new Map()),
    scan() {
      all = true;
      apply(false);
    },
    rescan: watch.rescan,
    pause() {
      paused = true;
      clearTimeout(timer);
      timer = undefined;
    },
    resume() {
      paused = false;
      if (all || changed.size > 0) soon();
    },
    close() {
      clearTimeout(timer);
      paused = true;
      watch.close();
    },
  };
}
