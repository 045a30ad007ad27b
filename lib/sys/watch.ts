/**
 * Noticing what users do in the account directory: a contact's directory made or removed, a file in one changed. The
 * kernel may have no watches left, and drops events when there are very many, so there is a look at everything now and
 * then, too.
 */
import fs from 'node:fs';
import path from 'node:path';
import { errno, reason } from './errno.ts';
import { look } from './look.ts';

export type TreeEvents = {
  /** Something about an entry of the directory itself has changed. */
  base(name: string): void;
  /** Something about a file within a contact's directory has changed; only if contacts are to be watched. */
  contact?(dirName: string, fileName: string): void;
  /** Look at everything. */
  rescan(): void;
  /** Told once that something can't be watched, until everything is again. */
  warn(message: string): void;
};

export type TreeWatch = {
  /** Watches a contact's directory as well; what is in it is to be looked at afterwards. */
  add(dirName: string): void;
  remove(dirName: string): void;
  /** Tries again to watch what could not be watched, and has everything looked at. */
  rescan(): void;
  close(): void;
};

/** How often, in milliseconds, everything is looked at; and how many times less often where everything is watched. */
const RESCAN = 60_000;
const CALM = 5;

/** How many events the kernel keeps for us before it drops some, where it does not tell. */
const MOST_QUEUED = 16_384;

export function watchTree(dir: string, on: TreeEvents): TreeWatch {
  const contacts = new Map<string, fs.FSWatcher | null>();
  let base: fs.FSWatcher | null = null;
  let warned = false;
  /** Whether there is something that is not watched, and how often that was not so when it was time to look. */
  let blind = false;
  let calm = 0;
  /** The kernel looks at the limit when it makes the queue; to read it for each turn costs more than the events. */
  const most = mostQueued();
  /** Events of this turn of the loop: it takes all that are queued. */
  let count = 0;

  function counted(): void {
    if (count++ > 0) return;
    setImmediate(() => {
      if (count >= most / 2) on.rescan();
      count = 0;
    });
  }

  function watch(place: string, changed: (name: string) => void): fs.FSWatcher | null {
    try {
      const watcher = fs.watch(place, { persistent: false }, (_, name) => {
        counted();
        if (name === null) on.rescan();
        else changed(name);
      });
      watcher.on('error', close);
      return watcher;
    } catch (error) {
      blind = true;
      if (errno(error) !== 'ENOENT' && !warned) {
        warned = true;
        on.warn(`cannot watch ${place}: ${why(error)}; it is looked at every ${RESCAN / 1000} s`);
      }
      return null;
    }
  }

  const inode = () => look(dir, true)?.ino;
  let watched = inode();

  const watchBase = () => watch(dir, on.base);
  const watchContact = (name: string) => watch(path.join(dir, name), (file) => on.contact?.(name, file));

  /** Whether the directory is another one than before. */
  const moved = () => inode() !== watched;

  function rescan(): void {
    if (moved()) {
      base?.close();
      base = null;
      for (const [name, watcher] of contacts) {
        watcher?.close();
        contacts.set(name, null);
      }
      watched = inode();
    }
    base ??= watchBase();
    let all = base !== null;
    for (const [name, watcher] of contacts) {
      // What has failed for one fails for the others, too.
      if (watcher !== null || !all) continue;
      const made = watchContact(name);
      contacts.set(name, made);
      all = made !== null;
    }
    if (all) warned = false;
    blind = !all;
    calm = 0;
    on.rescan();
  }

  function remove(name: string): void {
    contacts.get(name)?.close();
    contacts.delete(name);
  }

  /** What nobody is told of is rare: an `in` that was removed, a directory on another machine. */
  function due(): void {
    if (blind || ++calm >= CALM || moved()) rescan();
  }

  base = watchBase();
  const timer = setInterval(due, RESCAN);
  timer.unref();
  return {
    add(name) {
      remove(name);
      contacts.set(name, watchContact(name));
    },
    remove,
    rescan,
    close() {
      clearInterval(timer);
      base?.close();
      for (const name of [...contacts.keys()]) remove(name);
    },
  };
}

function close(this: fs.FSWatcher): void {
  this.close();
}

/** inotify says so in words of its own (inotify(7)). */
function why(error: unknown): string {
  if (errno(error) === 'ENOSPC') return 'no watches left, see fs.inotify.max_user_watches';
  if (errno(error) === 'EMFILE') return 'no watches or descriptors left, see fs.inotify.max_user_instances';
  return reason(error);
}

function mostQueued(): number {
  try {
    return Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1')) || MOST_QUEUED;
  } catch {
    return MOST_QUEUED;
  }
}
