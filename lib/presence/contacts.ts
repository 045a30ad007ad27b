/** The `presence` files of the contacts, and what the user is told in `events`. */
import fs from 'node:fs';
import path from 'node:path';
import type { Known, Notes } from '../store/notes.ts';
import { appendRecord, TornRecord } from '../sys/append.ts';
import { createReports } from '../sys/bursts.ts';
import type { Complaints } from '../sys/complaints.ts';
import { errno } from '../sys/errno.ts';
import { inDirectory } from '../sys/held-directory.ts';
import { look } from '../sys/look.ts';
import { printable } from '../sys/printable.ts';
import { replaceFile } from '../sys/replace.ts';
import { ensureContact } from '../tree/contact.ts';
import { type EventType, newEvent } from '../tree/events.ts';
import { oneLine, presenceLine } from '../tree/line.ts';
import { dirName } from '../tree/names.ts';
import { openFriends, openNewcomers } from '../tree/newcomers.ts';
import { emptyFile, unfinished } from '../tree/presence-file.ts';
import { PRESENCE_LIMITS, type PresenceLimits } from './limits.ts';
import type { PresenceChange, PresenceCodec, Resource } from './model.ts';
import { createResources } from './resources.ts';
import { type Seen, seenOf } from './seen.ts';

/** Who keeps what is known of whom, by bare JID and resource, for the process after this one. */
export type Memory = Pick<Notes, 'set' | 'remove' | 'clear'>;

export type ContactsOptions<Frame> = {
  readonly dir: string;
  /** The own id, if known. */
  readonly own: string | null;
  /** The protocol. */
  readonly codec: Pick<PresenceCodec<Frame>, 'decodePresence'>;
  readonly complaints: Complaints;
  readonly limits?: PresenceLimits;
};

export type Contacts<Frame> = {
  /** Takes presence; files change only at the end of the batch, and each once. */
  take(frame: Frame): void;
  batchEnd(): void;
  /** From now on what is known is kept as well; and this is known from before. Files change when directories appear. */
  remember(memory: Memory, before: Known | null): void;
  /** Characters for `events` that could not be written yet. */
  readonly behind: number;
  /** Whether there are files that could not be brought up to date: `retry` does it later. */
  readonly stale: boolean;
  /** A contact's directory is there, perhaps a new one: shows in it what is known, if it does not show it yet. */
  appeared(jid: string, directory: string): void;
  /** The directory has gone; the contact's next available presence makes another one. */
  vanished(jid: string): void;
  /** Writes what could not be written before. */
  retry(): void;
  /** Nothing more comes: tells what was only counted, and empties what was shown. */
  close(): void;
};

/** A contact with a line to show, or that showed one lately. */
type Shown = { directory: string | null; line: string };

export function createContacts<Frame>(options: ContactsOptions<Frame>): Contacts<Frame> {
  const { dir, own, codec, complaints, limits = PRESENCE_LIMITS } = options;
  const resources = createResources(limits.resources, limits.contacts);
  const shown = new Map<string, Shown>();
  /** To be looked at when the batch ends; true: somebody came online, so there shall be a directory. */
  const dirty = new Map<string, boolean>();
  let memory: Memory | null = null;

  const friends = openFriends(dir);
  const newcomers = openNewcomers(dir, friends, limits.new);
  const reports = createReports((text, jid) => {
    log('error', jid, text);
    flushEvents();
  });

  /** What is to be written there; bytes if a part of it has been. */
  let events: string | Buffer = '';
  let stale = false;

  const log = (type: EventType, jid: string, detail: string) => {
    const line = newEvent(dir, type, jid, detail);
    events = typeof events === 'string' ? events + line : Buffer.concat([events, Buffer.from(line)]);
  };

  const flushEvents = () => {
    if (events.length === 0) return;
    const file = path.join(dir, 'events');
    try {
      appendRecord(file, events);
      complaints.well(file);
      events = '';
    } catch (error) {
      complaints.report(file, 'write', error);
      if (error instanceof TornRecord) events = Buffer.from(events).subarray(error.written);
    }
  };

  /** Whether it is somebody new, of whom there are too many. */
  const isRefused = (jid: string): boolean => {
    if (jid === own || existing(path.join(dir, dirName(jid))) !== null || newcomers.admit(jid)) return false;
    const why = `presence of somebody new is not shown: more than ${limits.new} within an hour`;
    reports.add(why, 'presence is not shown', '', jid);
    return true;
  };

  /** Null: there is none and there shall be none, or it can't be made. */
  const makeDirectory = (jid: string): string | null => {
    // A chat with oneself is for the user to open: every session sees the presence of its own resources.
    if (jid === own) return existing(path.join(dir, dirName(jid)));
    try {
      const directory = ensureContact(dir, jid);
      complaints.well(dir);
      return directory;
    } catch (error) {
      complaints.report(dir, `make a directory for ${jid} in`, error);
      return null;
    }
  };

  const write = (directory: string, line: string): 'done' | 'failed' | 'gone' => {
    const file = path.join(directory, 'presence');
    try {
      // A link in the place of the directory would lead the file anywhere.
      inDirectory(directory, (held) => {
        const there = path.join(held, 'presence');
        if (line === '') emptyFile(there);
        else replaceFile(there, `${line}\n`, unfinished(there));
      });
      complaints.well(file);
      return 'done';
    } catch (error) {
      if (errno(error) === 'ENOENT' || !look(directory)?.isDirectory()) return 'gone';
      complaints.report(file, 'write', error);
      return 'failed';
    }
  };

  /** What strangers tell must not fill the memory. */
  const forget = (jid: string) => {
    resources.removeAll(jid);
    memory?.clear(jid);
  };

  /** Brings the contact's file up to date. Where that fails, `shown` remembers that it is not. */
  const update = (jid: string, make: boolean) => {
    const line = lineOf(resources.best(jid));
    const entry = shown.get(jid) ?? { directory: null, line: '' };
    if (entry.line === line) return;
    let fate = entry.directory === null ? 'gone' : write(entry.directory, line);
    if (fate === 'gone' && make && isRefused(jid)) forget(jid);
    else if (fate === 'gone' && make) {
      entry.directory = makeDirectory(jid);
      fate = entry.directory === null ? 'failed' : write(entry.directory, line);
    }
    // Whoever removes a directory wants to see no more of it.
    if (fate === 'gone' || (fate === 'done' && line === '')) shown.delete(jid);
    else shown.set(jid, entry);
    if (fate === 'failed') stale = true;
    if (fate !== 'done') return;
    entry.line = line;
    log('presence', jid, line === '' ? 'offline' : line);
  };

  const apply = (jid: string, resource: string, what: PresenceChange) => {
    switch (what.kind) {
      case 'available': {
        const presence = { ...what.presence, status: oneLine(what.presence.status) };
        if (!resources.set(jid, resource, presence, what.self, () => !friends.has(jid))) {
          const why = `presence is not kept: more than ${limits.contacts} contacts, or they take too much memory`;
          // What was known of it is not so any more.
          memory?.remove(jid, resource);
          dirty.set(jid, dirty.get(jid) ?? false);
          return reports.add(why, 'presence is not kept', '', jid);
        }
        memory?.set(jid, resource, { ...presence, self: what.self } satisfies Seen);
        dirty.set(jid, true);
        return;
      }
      case 'error':
        reports.add(oneLine(what.detail), 'an error', jid);
        break;
      case 'subscription':
        log(what.type, jid, oneLine(what.status));
        return;
      case 'unavailable':
        break;
    }
    if (resource === '' || (what.kind === 'unavailable' && what.all)) {
      resources.removeAll(jid);
      memory?.clear(jid);
    } else {
      resources.remove(jid, resource);
      memory?.remove(jid, resource);
    }
    dirty.set(jid, dirty.get(jid) ?? false);
  };

  return {
    take(frame) {
      const news = codec.decodePresence(frame);
      if (news === null) return;
      const { from, contact, resource, change } = news;
      if (contact !== null) return apply(contact, resource, change);
      if (change.kind !== 'subscription') return;
      const what = `${change.type} from what is not an address`;
      reports.add(what, 'a request from what is not an address', '', printable(from.slice(0, 200)));
    },
    batchEnd() {
      for (const [jid, make] of dirty) update(jid, make);
      dirty.clear();
      flushEvents();
    },
    remember(given, before) {
      memory = given;
      for (const [jid, names] of before?.groups ?? []) {
        for (const [resource, value] of names) {
          const seen = jid === '' ? null : seenOf(value);
          if (seen !== null) resources.set(jid, resource, seen, seen.self);
        }
      }
    },
    get behind() {
      return events.length;
    },
    appeared(jid, directory) {
      if (resources.best(jid) === null) return;
      if (shown.get(jid)?.directory === directory && !isEmpty(path.join(directory, 'presence'))) return;
      shown.set(jid, { directory, line: '' });
      update(jid, false);
    },
    vanished: (jid) => void shown.delete(jid),
    get stale() {
      return stale;
    },
    retry() {
      stale = false;
      for (const jid of [...shown.keys()]) update(jid, true);
      flushEvents();
    },
    close() {
      reports.close();
      for (const { directory } of shown.values()) if (directory !== null) write(directory, '');
    },
  };
}

const existing = (directory: string): string | null => (fs.existsSync(directory) ? directory : null);

const isEmpty = (file: string): boolean => (look(file, true)?.size ?? 0) === 0;

const lineOf = (best: Resource | null): string => {
  if (best === null) return '';
  return best.occupant ? 'online' : presenceLine(best.show, best.status);
};
