/**
 * The user's side of the tree: `mypresence` of everybody and of each contact, and which contacts have a directory.
 * Changes are noticed by watching, and by looking at everything where watching may have missed something.
 */
import path from 'node:path';
import { contactOf, listContacts } from '../files/contact.ts';
import { RESERVED } from '../files/names.ts';
import { watchTree } from '../files/watch.ts';
import type { Own } from './mypresence.ts';
import { readOwn } from './read.ts';
import type { Troubles } from './troubles.ts';

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
  /** Looks at everything, now. */
  scan(): void;
  /** Looks at everything, soon. */
  rescan(): void;
  /** Reports nothing until `resume`; what changes meanwhile is reported then. */
  pause(): void;
  resume(): void;
  close(): void;
};

/** A writer truncates the file first and writes then; so much later, in milliseconds, it should be done. */
const SETTLE = 30;

const FILE = 'mypresence';

/** Begins to watch, and reads the presence for everybody. The contacts are found by the first `scan`. */
export function openTree(dir: string, troubles: Troubles, on: TreeEvents): Tree {
  /** The contacts' directories by name. */
  const known = new Map<string, string>();
  /** Names to look at; true: their entry in the account directory itself has changed. */
  const changed = new Map<string, boolean>();
  let all = false;
  let timer: NodeJS.Timeout | undefined;
  let paused = false;

  const read = (...where: string[]): Own | null | undefined => {
    const file = path.join(dir, ...where, FILE);
    try {
      const own = readOwn(file);
      troubles.well(file);
      return own;
    } catch (error) {
      // Not to be taken for a file that is gone: that would tell people something.
      troubles.report(file, 'read', error);
      return undefined;
    }
  };

  const look = (name: string, jid: string, contacts: Map<string, Own | null>) => {
    const own = read(name);
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
    on.vanished(jid);
    contacts.set(jid, null);
  };

  const check = (name: string, entry: boolean, contacts: Map<string, Own | null>) => {
    const contact = contactOf(dir, name);
    const before = known.get(name);
    if (contact === null || 'error' in contact) {
      if (contact !== null) troubles.report(path.join(dir, name), 'use', new Error(contact.error));
      if (before !== undefined) vanish(name, before, contacts);
      return;
    }
    // A directory that was removed and made again in between has taken its watch with it.
    if (before !== undefined && entry) watch.remove(name);
    if (before === undefined || entry) appear(name, contact.jid);
    look(name, contact.jid, contacts);
  };

  const checkAll = (contacts: Map<string, Own | null>) => {
    on.rescan();
    const gone = new Map(known);
    for (const { name, jid } of listContacts(dir)) {
      gone.delete(name);
      if (!known.has(name)) appear(name, jid);
      look(name, jid, contacts);
    }
    for (const [name, jid] of gone) vanish(name, jid, contacts);
  };

  const apply = () => {
    timer = undefined;
    if (paused) return;
    const contacts = new Map<string, Own | null>();
    const global = all || changed.has(FILE) ? read() : undefined;
    if (all) checkAll(contacts);
    else for (const [name, entry] of changed) if (name !== FILE) check(name, entry, contacts);
    changed.clear();
    all = false;
    on.read(global, contacts);
  };

  const soon = () => {
    if (!paused) timer ??= setTimeout(apply, SETTLE);
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
  });
  on.read(read(), new Map());

  return {
    scan() {
      all = true;
      clearTimeout(timer);
      apply();
    },
    rescan,
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
