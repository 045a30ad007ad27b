/** The contacts with an open `in`: found at start, made by strangers' messages or by mkdir, gone with their directory. */
import fs from 'node:fs';
import path from 'node:path';
import { errno, reason } from '../cli/die.ts';
import { contactOf, ensureContact, listContacts } from '../files/contact.ts';
import { type FifoReader, openFifo } from '../files/fifo.ts';
import { createLines } from '../files/lines.ts';
import { mkfifos } from '../files/mkfifo.ts';
import { dirName } from '../files/names.ts';
import { bareOf } from '../jid/jid.ts';
import { LINE_LIMIT } from './outgoing.ts';

export type ChatEvents = {
  line(jid: string, bytes: Buffer): void;
  tooLong(jid: string, head: Buffer, length: number): void;
  warn(message: string): void;
};

export type Chats = {
  /** Looks at all directories. */
  scan(): Promise<void>;
  /** Looks at one entry of the account directory: new, changed or gone. */
  look(name: string): Promise<void>;
  /** Whether a contact has a directory. */
  has(jid: string): boolean;
  /** Makes the directory of a contact that has none. @throws if it can't */
  open(jid: string): void;
  pause(): void;
  resume(): void;
  /** Reads what writers still have to say, then closes everything. */
  drain(grace: number): Promise<void>;
};

export function createChats(dir: string, on: ChatEvents): Chats {
  /** By directory name; the reader is null while the FIFO is being made or cannot be had. */
  const chats = new Map<string, FifoReader | null>();
  const complained = new Set<string>();
  let paused = false;
  let making: Promise<void> = Promise.resolve();

  function complain(name: string, why: string): void {
    if (complained.has(name)) return;
    complained.add(name);
    on.warn(`${path.join(dir, name)}: ${why}`);
  }

  /** Opens the FIFOs of new contacts; those that have none get one. */
  async function serve(contacts: readonly { name: string; jid: string }[]): Promise<void> {
    const missing: { name: string; jid: string }[] = [];
    for (const contact of contacts) {
      if (chats.get(contact.name)) continue;
      const normal = bareOf(contact.jid);
      if (normal !== contact.jid || contact.jid.includes('/')) {
        complain(contact.name, normal === null ? 'not a JID' : `not in normal form, which is ${dirName(normal)}`);
        continue;
      }
      chats.set(contact.name, null);
      try {
        // Who sees a directory first tells of it.
        ensureContact(dir, contact.jid);
      } catch (error) {
        complain(contact.name, reason(error));
      }
      if (!listen(contact.name, contact.jid)) missing.push(contact);
    }
    if (missing.length === 0) return;
    making = making.then(() => mkfifos(missing.map(({ name }) => path.join(dir, name, 'in'))));
    await making;
    for (const { name, jid } of missing) {
      if (chats.has(name) && !listen(name, jid)) complain(name, 'its in could not be made');
    }
  }

  /** @returns false if there is no FIFO yet */
  function listen(name: string, jid: string): boolean {
    const lines = createLines(LINE_LIMIT, { line: (bytes) => on.line(jid, bytes), tooLong: (head, length) => on.tooLong(jid, head, length) });
    try {
      const reader = openFifo(path.join(dir, name, 'in'), {
        data: lines.push,
        eof: lines.flush,
        error() {
          chats.get(name)?.close();
          chats.set(name, null);
          void look(name);
        },
      });
      if (paused) reader.pause();
      chats.set(name, reader);
      complained.delete(name);
      return true;
    } catch (error) {
      if (errno(error) === 'ENOENT') return false;
      complain(name, `cannot open in: ${errno(error) === 'ELOOP' ? 'a symbolic link' : reason(error)}`);
      return true;
    }
  }

  function forget(name: string): void {
    chats.get(name)?.close();
    chats.delete(name);
    complained.delete(name);
  }

  async function look(name: string): Promise<void> {
    const contact = contactOf(dir, name);
    if (contact === null) forget(name);
    else if ('error' in contact) complain(name, contact.error);
    else {
      // A directory that was removed and made again has another FIFO, or none.
      if (chats.get(name) && !fs.existsSync(path.join(dir, name, 'in'))) forget(name);
      await serve([contact]);
    }
  }

  return {
    look,
    async scan() {
      const contacts = listContacts(dir);
      const names = new Set(contacts.map(({ name }) => name));
      for (const name of [...chats.keys()]) if (!names.has(name)) forget(name);
      await serve(contacts);
    },
    has: (jid) => chats.has(dirName(jid)) || fs.existsSync(path.join(dir, dirName(jid))),
    open(jid) {
      const name = dirName(jid);
      if (chats.has(name)) return;
      ensureContact(dir, jid);
      void serve([{ name, jid }]);
    },
    pause() {
      paused = true;
      for (const reader of chats.values()) reader?.pause();
    },
    resume() {
      paused = false;
      for (const reader of chats.values()) reader?.resume();
    },
    async drain(grace) {
      await making;
      await Promise.all([...chats.values()].map((reader) => reader?.drain(grace)));
    },
  };
}
