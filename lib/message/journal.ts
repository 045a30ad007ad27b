/** Writes down what a batch of stanzas brought: one append for each file, however many messages there were. */
import path from 'node:path';
import { errno, reason } from '../cli/die.ts';
import { appendRecord } from '../files/append.ts';
import { ensureContact } from '../files/contact.ts';
import { type EventType, eventLine } from '../files/events.ts';
import { dirName } from '../files/names.ts';

export type Journal = {
  /** Adds lines to a contact's `out` and `log`; either may be empty. */
  add(contact: string, out: string, log: string): void;
  event(type: EventType, contact: string, detail: string): void;
  /** Writes everything that was added. */
  flush(): void;
};

/** @param warn told of what could not be written, once until something could be written again */
export function createJournal(dir: string, warn: (message: string) => void): Journal {
  const pending = new Map<string, { out: string; log: string }>();
  let events = '';
  let troubled = false;

  function write(contact: string, file: string, text: string): void {
    if (text === '') return;
    const target = path.join(dir, contact === '' ? '' : dirName(contact), file);
    try {
      try {
        appendRecord(target, text);
      } catch (error) {
        if (errno(error) !== 'ENOENT' || contact === '') throw error;
        // Somebody has removed the directory: what comes in opens it again.
        ensureContact(dir, contact);
        appendRecord(target, text);
      }
      troubled = false;
    } catch (error) {
      if (!troubled) warn(`cannot write ${target}: ${reason(error)}`);
      troubled = true;
    }
  }

  return {
    add(contact, out, log) {
      const entry = pending.get(contact);
      if (entry === undefined) pending.set(contact, { out, log });
      else {
        entry.out += out;
        entry.log += log;
      }
    },
    event(type, contact, detail) {
      events += eventLine(Date.now(), type, contact, detail);
    },
    flush() {
      for (const [contact, { out, log }] of pending) {
        // The whole record first: from it the other could be made again.
        write(contact, 'log', log);
        write(contact, 'out', out);
      }
      pending.clear();
      write('', 'events', events);
      events = '';
    },
  };
}
