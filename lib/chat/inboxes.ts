/** The contacts with an open `in`: found at start, made by strangers' messages or by mkdir, gone with their directory. */
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { descriptorLimit } from '../sys/descriptors.ts';
import { errno, reason } from '../sys/errno.ts';
import { type FifoReader, openFifo } from '../sys/fifo.ts';
import { createLines, type Lines } from '../sys/lines.ts';
import { look } from '../sys/look.ts';
import { mkfifos } from '../sys/mkfifo.ts';
import { contactOf, ensureContact, listContacts, makeOut } from '../tree/contact.ts';
import { ASIDE, readAside, setAside } from '../tree/early.ts';
import { dirName } from '../tree/names.ts';
import { openFriends, openNewcomers } from '../tree/newcomers.ts';
import { CHAT_LIMITS, type ChatLimits } from './limits.ts';
import type { MessageCodec } from './model.ts';

export type InboxEvents = {
  /** A line, without its end; the buffer is used again after the call. */
  line(jid: string, bytes: Buffer): void;
  /** A line that is not kept whole: its first bytes, and how long it was. */
  tooLong(jid: string, head: Buffer, length: number): void;
  /** The directory has gone. */
  gone(jid: string): void;
  /** Told of a trouble once, until it is over. */
  warn(message: string): void;
  /** Lines written into this directory go nowhere, or not where one would think, and why; told once. */
  misnamed(name: string, why: string): void;
};

export type Inboxes = {
  /** Looks at all directories; resolves when everybody's `in` is open. */
  scan(): Promise<void>;
  /** Looks at one entry of the account directory: new, changed or gone. */
  look(name: string): void;
  /** Whether a contact has a directory. */
  has(jid: string): boolean;
  /**
   * Sees to it that a contact has a directory.
   * @returns false if it has none, and too many have come lately
   * @throws if it can't be made; ENOTDIR if something else has its name
   */
  open(jid: string): boolean;
  /** Reads nothing, but keeps every `in` open. */
  pause(): void;
  resume(): void;
  /** Those who have written lately have to wait, or not any more. Who has not may still say something: it costs little. */
  ease(on: boolean): void;
  /** How many files may be open besides. */
  room(): number;
  /** A line has begun with these bytes, which an earlier process has read. */
  begin(jid: string, bytes: Buffer): void;
  /** The beginnings of lines that are not finished. */
  begun(): { jid: string; bytes: Buffer }[];
  /** Closes everything, and leaves in the FIFOs what is there. */
  close(): void;
  /** Reads what writers still have to say, then closes everything; `grace` as in `FifoReader`. */
  drain(grace: number): Promise<void>;
};

type Chat = {
  readonly name: string;
  readonly jid: string;
  /** Null while its FIFO is being made, or can't be had. */
  reader: FifoReader | null;
  readonly lines: Lines;
  making: boolean;
  /** How often that has failed. */
  tries: number;
  /** Its `id` is there. */
  named: boolean;
  /** Reads what was written before there was a FIFO, when it is time to read. */
  early: (() => void) | null;
};

/** Descriptors that are left for everything else. */
const RESERVE = 64;

/** So many others may be open, and of what is left only half: contacts may come. */
const MOST_FILES = 65_536;

/** Where there are too few descriptors for all, one word is said for all. */
const SCARCE = 'descriptors';

/** So many are remembered to have written lately. */
const MOST_TALKERS = 256;

/** So many directories are looked at in one turn of the event loop: what comes meanwhile does not wait for all of them. */
const SLICE = 64;

/** So many FIFOs are made at once while more are being found. */
const BATCH = 1024;

/** So often a FIFO is made anew where something else has taken its place meanwhile. */
const MOST_TRIES = 3;

/** @param ids which names of directories are ids, in normal form */
export function createInboxes(
  dir: string,
  ids: Pick<MessageCodec<never>, 'normalizeId' | 'remark'>,
  on: InboxEvents,
  limits: ChatLimits = CHAT_LIMITS,
): Inboxes {
  /** By directory name. */
  const inboxes = new Map<string, Chat>();
  const complained = new Map<string, string>();
  const most = Math.min(descriptorLimit() - RESERVE, limits.contacts);
  const newcomers = openNewcomers(dir, openFriends(dir), limits.new);
  let reading = 0;
  let wanted: Chat[] = [];
  let making: Promise<void> | null = null;
  /** Who has written lately, the last one last; when they wait, all of them. */
  const talkers = new Set<Chat>();
  let eased = false;
  let paused = false;
  let closed = false;
  /** Beginnings of lines of contacts whose directories have not been looked at yet. */
  const unfinished = new Map<string, { jid: string; bytes: Buffer }>();
  let scanning: Promise<void> | null = null;
  let rescan = false;

  function complain(key: string, what: string, why: string): void {
    if (complained.get(key) === why || (key === SCARCE && complained.has(key))) return;
    complained.set(key, why);
    on.warn(`${path.join(dir, what)}: ${why}`);
  }

  function misnamed(name: string, why: string): void {
    if (complained.get(name) === why) return;
    complain(name, name, why);
    on.misnamed(name, `nothing that is written here is sent: ${name} is ${why}`);
  }

  /** Takes up a contact that is new, or whose FIFO is another one than before. */
  function meet({ name, jid }: { name: string; jid: string }, named = false): void {
    let chat = inboxes.get(name);
    // Of another FIFO than before: what came last from the old one is a line.
    const known = chat !== undefined;
    if (chat === undefined) {
      const normal = ids.normalizeId(jid);
      if (normal !== jid) {
        misnamed(name, normal === null ? 'not an address' : `not in normal form, which is ${dirName(normal)}`);
        return;
      }
      const lines = createLines(limits.line, {
        line: (bytes) => on.line(jid, bytes),
        tooLong: (head, length) => on.tooLong(jid, head, length),
      });
      chat = { name, jid, reader: null, lines, making: false, tries: 0, named, early: null };
      inboxes.set(name, chat);
      const begun = unfinished.get(name);
      unfinished.delete(name);
      if (begun !== undefined) lines.push(begun.bytes);
      const remark = ids.remark(jid);
      if (remark !== null) on.misnamed(name, remark);
    }
    if (!chat.named) identify(chat);
    if (chat.reader?.current()) return;
    hang(chat);
    if (known) chat.lines.flush();
    if (!chat.making && !listen(chat)) {
      chat.making = true;
      wanted.push(chat);
      making ??= make();
    }
  }

  /** Who sees a directory first tells of it. */
  function identify(chat: Chat): void {
    try {
      // The directory has just been seen.
      if (!look(path.join(dir, chat.name, 'id'))?.size) ensureContact(dir, chat.jid);
      chat.named = true;
    } catch (error) {
      complain(`${chat.name}/id`, chat.name, reason(error));
    }
  }

  /** Makes the FIFOs that are missing, as many at a time as there are. */
  async function make(): Promise<void> {
    // All that are found in one go; and what a new contact has said is written first, for a process takes a while to start.
    await turn();
    await turn();
    while (wanted.length > 0 && !closed) {
      // A process for a few FIFOs costs as much as one for many.
      while (scanning !== null && wanted.length < BATCH && !closed) await turn();
      const batch = wanted;
      wanted = [];
      // Before the FIFO: who sees that opens both.
      await slices(batch, ({ name }) => makeOut(path.join(dir, name)));
      const ran = await mkfifos(
        batch.map(({ name }) => path.join(dir, name, 'in')),
        dir,
      ).catch((error) => {
        on.warn(`cannot run mkfifo: ${reason(error)}`);
        return false;
      });
      await slices(batch, (chat) => made(chat, ran !== false));
    }
    making = null;
  }

  /** The FIFO should be there now. @param ran whether it could be tried at all */
  function made(chat: Chat, ran: boolean): void {
    chat.making = false;
    if (inboxes.get(chat.name) !== chat || listen(chat)) return;
    // A shell may have been quicker; what it wrote has been set aside.
    chat.making = ran && ++chat.tries < MOST_TRIES;
    if (chat.making) wanted.push(chat);
    else complain(chat.name, chat.name, 'its in cannot be made');
  }

  async function scanAll(): Promise<void> {
    do {
      rescan = false;
      try {
        const contacts = listContacts(dir);
        const names = new Set(contacts.map(({ name }) => name));
        for (const name of [...inboxes.keys()]) if (!names.has(name)) forget(name);
        await slices(contacts, (contact) => {
          if (!closed) meet(contact);
        });
        // Whose directory is gone has no more to say.
        if (!closed) unfinished.clear();
        complained.delete('');
      } catch (error) {
        complain('', '', reason(error));
      }
    } while (rescan && !closed);
    scanning = null;
  }

  /** @returns false if there is no FIFO yet */
  function listen(chat: Chat): boolean {
    const { name, lines } = chat;
    if (closed) return true;
    if (reading >= most) {
      complain(SCARCE, name, `cannot open in: ${reading} contacts have theirs, and no more are served`);
      return true;
    }
    const place = path.join(dir, name);
    try {
      chat.reader = open(chat);
      if (chat.reader === null) return false;
    } catch (error) {
      const code = errno(error);
      if (code === 'ENOENT') return false;
      const key = code === 'EMFILE' || code === 'ENFILE' ? SCARCE : name;
      complain(key, name, `cannot open in: ${code === 'ELOOP' ? 'a symbolic link' : reason(error)}`);
      return true;
    }
    reading++;
    chat.tries = 0;
    if (paused) chat.reader.pause();
    complained.delete(name);
    chat.early = () => readAside(place, lines);
    if (!paused) readEarly(chat);
    return true;
  }

  /** @returns null if it was a plain file, which is out of the way now */
  function open(chat: Chat): FifoReader | null {
    const { name, lines } = chat;
    const place = path.join(dir, name);
    try {
      return openFifo(path.join(place, 'in'), {
        data(chunk) {
          heard(chat);
          lines.push(chunk);
        },
        eof: lines.flush,
        error() {
          hang(chat);
          see(name);
        },
      });
    } catch (error) {
      if (setAside(place)) return null;
      throw error;
    }
  }

  function readEarly(chat: Chat): void {
    const { early } = chat;
    chat.early = null;
    try {
      early?.();
    } catch (error) {
      complain(chat.name, chat.name, `cannot read ${ASIDE}: ${reason(error)}`);
    }
  }

  function heard(chat: Chat): void {
    talkers.delete(chat);
    talkers.add(chat);
    if (eased) chat.reader?.pause();
  }

  function hang(chat: Chat): void {
    if (chat.reader === null) return;
    chat.reader.close();
    chat.reader = null;
    reading--;
    complained.delete(SCARCE);
  }

  function forget(name: string): void {
    const chat = inboxes.get(name);
    complained.delete(name);
    complained.delete(`${name}/id`);
    if (chat === undefined) return;
    hang(chat);
    inboxes.delete(name);
    talkers.delete(chat);
    on.gone(chat.jid);
  }

  function see(name: string): void {
    if (closed) return;
    const contact = contactOf(dir, name);
    if (contact === null) forget(name);
    else if ('jid' in contact) meet(contact);
    else {
      forget(name);
      misnamed(name, contact.error);
    }
  }

  return {
    look: see,
    async scan() {
      if (closed) return;
      rescan = scanning !== null;
      scanning ??= scanAll();
      await scanning;
      await making;
    },
    has: (jid) => inboxes.has(dirName(jid)) || contactOf(dir, dirName(jid)) !== null,
    open(jid) {
      const name = dirName(jid);
      if (closed || inboxes.has(name)) return true;
      if (fs.lstatSync(path.join(dir, name), { throwIfNoEntry: false }) === undefined && !newcomers.admit(jid))
        return false;
      ensureContact(dir, jid);
      meet({ name, jid }, true);
      return true;
    },
    pause() {
      paused = true;
      for (const { reader } of inboxes.values()) reader?.pause();
    },
    resume() {
      if (!paused) return;
      paused = false;
      for (const chat of inboxes.values()) {
        // What is read may be too much already.
        if (paused) return;
        readEarly(chat);
        if (!eased || !talkers.has(chat)) chat.reader?.resume();
      }
    },
    ease(on) {
      eased = on;
      if (paused) return;
      // Whoever has waited longest begins.
      for (const chat of [...talkers]) {
        if (on) chat.reader?.pause();
        else chat.reader?.resume();
        // What is read may be enough already.
        if (eased !== on || paused) return;
      }
      if (!on) for (const chat of talkers) if (talkers.size > MOST_TALKERS) talkers.delete(chat);
    },
    room: () => Math.min(MOST_FILES, Math.floor((most - reading) / 2)),
    begin(jid, bytes) {
      const chat = inboxes.get(dirName(jid));
      if (chat === undefined) unfinished.set(dirName(jid), { jid, bytes });
      else chat.lines.push(bytes);
    },
    begun: () =>
      [...inboxes.values()]
        .map(({ jid, lines }) => ({ jid, bytes: lines.begun }))
        .filter(({ bytes }) => bytes.length > 0)
        .concat([...unfinished.values()]),
    close() {
      closed = true;
      for (const { reader } of inboxes.values()) reader?.close();
    },
    async drain(grace) {
      // Of thousands of directories that are still being looked at, those without a FIFO are left to the next start.
      if (scanning === null) await making;
      closed = true;
      await scanning;
      await making;
      const talking = [...talkers].map(({ reader }) => reader?.drain(grace));
      const quiet = [...inboxes.values()].filter((chat) => !talkers.has(chat));
      await wait(grace);
      // Of thousands most say nothing: they need no clocks of their own.
      await slices(quiet, (chat) => {
        if (talkers.has(chat)) talking.push(chat.reader?.drain(grace));
        else chat.reader?.finish();
      });
      await Promise.all(talking);
    },
  };
}

/** Does something with each, a slice in one turn of the event loop. */
async function slices<Item>(items: readonly Item[], work: (item: Item) => void): Promise<void> {
  for (let i = 0; i < items.length; i++) {
    if (i > 0 && i % SLICE === 0) await turn();
    work(items[i]!);
  }
}
