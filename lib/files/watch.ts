/**
 * Noticing what users do in the account directory: a contact's directory made or removed, a file in one changed. The
 * kernel may drop events when there are many and tells nobody, so there is a look at everything now and then, too.
 */
import fs from 'node:fs';
import path from 'node:path';

export type TreeEvents = {
  /** Something about an entry of the directory itself has changed. */
  base(name: string): void;
  /** Something about a file within a contact's directory has changed; only if contacts are to be watched. */
  contact?(dirName: string, fileName: string): void;
  /** Look at everything. */
  rescan(): void;
};

export type TreeWatch = {
  /** Watches a contact's directory as well; what is in it is to be looked at afterwards. */
  add(dirName: string): void;
  remove(dirName: string): void;
  close(): void;
};

const RESCAN = 60_000;

export function watchTree(dir: string, on: TreeEvents): TreeWatch {
  const contacts = new Map<string, fs.FSWatcher>();
  const watch = (place: string, changed: (name: string) => void): fs.FSWatcher | null => {
    try {
      const watcher = fs.watch(place, { persistent: false }, (_, name) => {
        if (name === null) on.rescan();
        else changed(name);
      });
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      // Gone already, or no more watches to be had: the look at everything will do.
      return null;
    }
  };
  const base = watch(dir, on.base);
  const timer = setInterval(on.rescan, RESCAN);
  timer.unref();
  const remove = (name: string) => {
    contacts.get(name)?.close();
    contacts.delete(name);
  };
  return {
    add(name) {
      remove(name);
      const watcher = watch(path.join(dir, name), (file) => on.contact?.(name, file));
      if (watcher !== null) contacts.set(name, watcher);
    },
    remove,
    close() {
      clearInterval(timer);
      base?.close();
      for (const name of [...contacts.keys()]) remove(name);
    },
  };
}
