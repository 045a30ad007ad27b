/** Writes down what a batch of stanzas brought: one append for each file, however many messages there were. */
import path from 'node:path';
import { errno, reason } from '../cli/die.ts';
import { appendRecord, TornRecord } from '../files/append.ts';
import { ensureContact } from '../files/contact.ts';
import { type EventType, eventLine } from '../files/events.ts';
import { dirName } from '../files/names.ts';

export type Journal = {
  /** Adds lines to a contact's `out` and `log`; either may be empty. */
  add(contact: string, out: string, log: string): void;
  event(type: EventType, contact: string, detail: string): void;
  /** Writes everything that was added, and what could not be written before. */
  flush(): void;
  /** Writes for the last time, and tells how many bytes are lost. */
  close(): number;
};

export type JournalEvents = {
  /** Told of a trouble once, until it is over. */
  warn(message: string): void;
  /** So much waits for the disk that nothing should be added for now; false: it may again. */
  full(full: boolean): void;
};

/** What waits for one file: the bytes that a full disk has left over, and what came after. */
type Pending = { rest: Buffer | null; text: string };

/** Troubles that pass and have nothing to do with the file itself: what can't be written now is kept for later. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Bytes kept before nothing more should come, and how often to try again, in milliseconds. */
const MOST_KEPT = 1_048_576;
const AGAIN = 1000;

const CONTACT_FILES = ['log', 'out'] as const;
type ContactFile = (typeof CONTACT_FILES)[number];

export function createJournal(dir: string, on: JournalEvents): Journal {
  const contacts = new Map<string, Record<ContactFile, Pending>>();
  const events: Pending = { rest: null, text: '' };
  const troubled = new Set<string>();
  let kept = 0;
  let full = false;
  let timer: NodeJS.Timeout | null = null;

  function complain(key: string, file: string, error: unknown, fate: string): void {
    if (troubled.has(key)) return;
    troubled.add(key);
    on.warn(`cannot write ${file}: ${reason(error)}${fate}`);
  }

  function append(contact: string, file: string, bytes: Buffer): void {
    try {
      appendRecord(file, bytes);
    } catch (error) {
      if (errno(error) !== 'ENOENT' || contact === '') throw error;
      // Somebody has removed the directory: what is said now opens it again.
      ensureContact(dir, contact);
      appendRecord(file, bytes);
    }
  }

  function write(contact: string, name: string, pending: Pending): void {
    const { rest, text } = pending;
    if (rest === null && text === '') return;
    pending.rest = null;
    pending.text = '';
    const bytes = rest === null ? Buffer.from(text) : Buffer.concat([rest, Buffer.from(text)]);
    const file = contact === '' ? path.join(dir, name) : path.join(dir, dirName(contact), name);
    try {
      append(contact, file, bytes);
      if (troubled.size > 0) troubled.delete(file);
    } catch (error) {
      if (!PASSING.has(errno(error))) {
        complain(file, file, error, '');
        return;
      }
      pending.rest = error instanceof TornRecord ? bytes.subarray(error.written) : bytes;
      kept += pending.rest.length;
      complain('', file, error, '; it is kept and tried again');
    }
  }

  function flush(): void {
    kept = 0;
    for (const [contact, files] of contacts) {
      // The whole record first: from it the other could be made again.
      for (const name of CONTACT_FILES) write(contact, name, files[name]);
      if (files.log.rest === null && files.out.rest === null) contacts.delete(contact);
    }
    write('', 'events', events);
    if (kept === 0) troubled.delete('');
    else timer ??= setTimeout(again, AGAIN);
    if (full !== kept > MOST_KEPT) on.full((full = !full));
  }

  function again(): void {
    timer = null;
    flush();
  }

  return {
    add(contact, out, log) {
      let files = contacts.get(contact);
      if (files === undefined) {
        files = { log: { rest: null, text: '' }, out: { rest: null, text: '' } };
        contacts.set(contact, files);
      }
      files.log.text += log;
      files.out.text += out;
    },
    event(type, contact, detail) {
      events.text += eventLine(Date.now(), type, contact, detail);
    },
    flush,
    close() {
      flush();
      if (timer !== null) clearTimeout(timer);
      timer = null;
      return kept;
    },
  };
}
