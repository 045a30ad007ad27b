/**
 * Writes down what a batch of stanzas brought: one append for each file, however many messages there were. With a redo
 * log all of it is written down there first, with one write, and what is there is what may be acknowledged.
 */
import path from 'node:path';
import { createCollection } from '../store/collect.ts';
import { createFdCache, type FdCache } from '../store/fd-cache.ts';
import { type Entry, keptEntry, type Redo } from '../store/redo.ts';
import { TornRecord } from '../sys/append.ts';
import { errno, reason } from '../sys/errno.ts';
import { isTransient } from '../sys/transient.ts';
import { ensureContact } from '../tree/contact.ts';
import { type EventType, newEvent } from '../tree/events.ts';
import { idOfName } from '../tree/names.ts';
import { createTargets, type Pending, type Target } from '../tree/targets.ts';
import { type Intent, type Note, type State, snapshot } from './state.ts';

export type Journal = {
  /** Adds lines to a contact's `out` and `log`; either may be empty. */
  add(contact: string, out: string, log: string): void;
  event(type: EventType, contact: string, detail: string, known: boolean): void;
  /** A line is about to be sent. */
  intend(intent: Intent): void;
  /** What has become of a line is in what was added. */
  settle(id: string): void;
  /**
   * The stanzas that come now are of this session.
   * @param unacked how many of the last ones the server does not know to have arrived, and may give again
   */
  begin(session: string, unacked?: number): void;
  /** Stanza number `n` of the session, and all before it, are in what was added, or were written down before. */
  through(n: number): void;
  /** Calls once everything that was added until now is written down. */
  after(call: () => void): void;
  /** Writes everything that was added, and what could not be written before. */
  flush(): void;
  /** Resolves when all that is written down is `done`, or can't be for now. */
  quiet(): Promise<void>;
  /**
   * To be called before an orderly end: resolves when everything is on the disk and the log holds nothing of it any more,
   * or when that can't be.
   */
  finish(): Promise<void>;
  /**
   * Writes for the last time, and tells how many bytes are lost.
   * @param begun beginnings of lines, for the next process
   */
  close(begun?: readonly { jid: string; bytes: Buffer }[]): number;
};

export type JournalEvents = {
  /** Told of a trouble once, until it is over. */
  warn(message: string): void;
  /** So much waits for the disk that nothing should be added for now; false: it may again. */
  full(full: boolean): void;
  /** What all stanzas up to number `n` have brought will outlive a power failure. */
  done?(n: number): void;
};

export type JournalOptions = {
  /** The log, and the state that it held. */
  readonly kept?: { readonly redo: Redo; readonly state: State };
  /** How many files may be kept open at this moment. */
  readonly room?: () => number;
};

/** Bytes kept before nothing more should come, and how often to try again, in milliseconds. */
const MOST_KEPT = 1_048_576;
const AGAIN = 1000;

/** When nothing has come for so many milliseconds, the files are brought to the disk. */
const IDLE = 1000;

/** So many files may be open where nobody says how many. */
const FEW_FILES = 64;

export function createJournal(dir: string, on: JournalEvents, { kept: log, room }: JournalOptions = {}): Journal {
  const files: FdCache = createFdCache(room ?? (() => FEW_FILES), dir);
  const targets = createTargets(dir);
  const troubled = new Set<string>();
  const collection = createCollection();
  let intents: Intent[] = [];
  let settled: string[] = [];
  let thens: (() => void)[] = [];
  let unfinished: NonNullable<Note['b']> = [];
  /** What was found in the log is taken up with the first record. */
  let taken = log === undefined || log.state.begun.length === 0;
  /** Numbers of stanzas: the last one of this process, the last one of these that is written down, the last `done`. */
  let given = 0;
  let recorded = 0;
  let told = 0;
  let kept = 0;
  let full = false;
  let timer: NodeJS.Timeout | null = null;
  let idle: NodeJS.Timeout | null = null;
  let syncing = false;
  let closed = false;
  const quiet: (() => void)[] = [];

  const events = targets.of('');
  for (const [file, bytes] of log?.redo.missing ?? []) adopt(file, bytes);
  /** Those who wait until the log is not busy. */
  let free: (() => void)[] = [];
  log?.redo.onReleased(() => {
    const calls = free;
    free = [];
    for (const call of calls) call();
    if (full && !closed) flush();
  });

  /** Takes over what was written down before the last end, and is in the log only. */
  function adopt(file: string, bytes: Buffer): void {
    const place = path.dirname(file);
    const contact = place === '.' ? '' : (log?.state.names.get(place) ?? idOfName(place));
    const target = contact === null ? undefined : targets.of(contact);
    const pending = target?.files.find(({ name }) => name === file);
    if (target === undefined || pending === undefined) return;
    pending.rest = Buffer.from(bytes);
    kept += bytes.length;
    targets.touch(target);
  }

  function complain(key: string, file: string, error: unknown): void {
    if (troubled.has(key)) return;
    troubled.add(key);
    on.warn(`cannot write ${file}: ${reason(error)}; it is kept and tried again`);
  }

  function look(pending: Pending): void {
    try {
      pending.seen = files.look(pending.file);
    } catch {
      // Writing tells why.
      pending.seen = null;
    }
  }

  /** Writes all that was added into the log. @returns false if that can't be, so nothing of it has happened */
  function record({ redo, state }: NonNullable<typeof log>): boolean {
    const body = collection.group(targets.shares());
    if (body.length + intents.length + settled.length + unfinished.length === 0 && taken) return true;
    const entries: Entry[] = [];
    for (const pending of targets.shares()) {
      if (pending.length === 0) continue;
      look(pending);
      const { ino, size } = pending.seen ?? { ino: 0, size: 0 };
      entries.push([pending.name, ino, size, pending.rest?.length ?? 0, pending.length]);
    }
    const cut = targets.names();
    const note: Note = {
      s: state.position.session,
      n: Math.max(state.position.n, given),
      ...(intents.length > 0 && { i: intents }),
      ...(settled.length > 0 && { d: settled }),
      ...(unfinished.length > 0 && { b: unfinished }),
      ...(cut !== null && { c: cut }),
    };
    try {
      redo.write(entries, body, note, kept === 0);
      troubled.delete('log');
    } catch (error) {
      complain('log', 'the journal', error);
      return false;
    }
    for (const intent of intents) state.intents.set(intent.id, intent);
    for (const id of settled) state.intents.delete(id);
    intents = [];
    settled = [];
    unfinished = [];
    taken = true;
    return true;
  }

  function append({ contact }: Target, { file, seen }: Pending, bytes: Buffer): void {
    try {
      files.append(file, seen, bytes);
    } catch (error) {
      if (errno(error) !== 'ENOENT' || contact === '') throw error;
      // Somebody has removed the directory: what is said now opens it again.
      ensureContact(dir, contact);
      files.append(file, null, bytes);
    }
  }

  /** @param bytes what was added, in memory that is used again */
  function write(target: Target, pending: Pending, bytes: Buffer): void {
    const all = pending.rest === null ? bytes : Buffer.concat([pending.rest, bytes]);
    pending.rest = null;
    try {
      append(target, pending, all);
      if (troubled.size > 0) troubled.delete(pending.file);
    } catch (error) {
      const rest = error instanceof TornRecord ? all.subarray(error.written) : all;
      pending.rest = Buffer.from(rest);
      kept += rest.length;
      // Of the system's troubles one word is enough; those of a file are each its own.
      complain(isTransient(error) ? '' : pending.file, pending.file, error);
    }
  }

  function apply(): void {
    kept = 0;
    if (log === undefined) collection.group(targets.shares());
    for (const target of targets.dirty) {
      for (const pending of target.files) {
        if (pending.rest === null && pending.length === 0) continue;
        // The log has been told what it is.
        if (log === undefined || pending.length === 0) look(pending);
        write(target, pending, collection.of(pending));
      }
    }
    collection.clear(targets.shares());
    targets.settle();
    if (kept === 0) troubled.delete('');
  }

  function flush(): void {
    // Its descriptors may be others' by now.
    if (closed && log !== undefined) return;
    let waiting = 0;
    if (log !== undefined && !record(log)) {
      waiting = collection.size;
      for (const { rest } of targets.shares()) waiting += rest?.length ?? 0;
      for (const { body } of intents) waiting += body.length;
    } else {
      const calls = thens;
      thens = [];
      recorded = given;
      if (log !== undefined && given > log.state.position.n)
        log.state.position = { session: log.state.position.session, n: given };
      apply();
      waiting = kept;
      for (const call of calls) call();
      if (log !== undefined) safe(log);
    }
    const now = waiting > MOST_KEPT || log?.redo.full === true;
    if (full !== now) on.full((full = now));
    if ((waiting > 0 || now) && !closed) timer ??= setTimeout(again, AGAIN);
  }

  function again(): void {
    timer = null;
    flush();
  }

  /** Has the log written to the disk, one sync at a time, and tells what may be acknowledged. */
  function safe(own: NonNullable<typeof log>): void {
    if (own.redo.ripe) turn(own);
    const n = recorded;
    if (syncing) return;
    if (n === told) return rest(own);
    syncing = true;
    own.redo.sync((error) => {
      syncing = false;
      if (closed) return;
      if (error !== null) {
        complain('sync', 'the journal', error);
        timer ??= setTimeout(again, AGAIN);
        return rest(own);
      }
      troubled.delete('sync');
      told = n;
      on.done?.(n);
      safe(own);
    });
  }

  /** Nothing is under way. */
  function rest(own: NonNullable<typeof log>): void {
    mark(own);
    if (idle === null) {
      idle = setTimeout(() => {
        if (!closed && !syncing && isDone()) own.redo.settle();
      }, IDLE);
      idle.unref();
    } else idle.refresh();
    for (const call of quiet.splice(0)) call();
  }

  /** Whether all that was written down is in the files. */
  const isDone = () => kept === 0 && targets.dirty.length === 0;

  /** After a crash there is no need to look for what is written. */
  function mark({ redo }: NonNullable<typeof log>): void {
    if (!isDone()) return;
    try {
      redo.applied();
    } catch {}
  }

  function turn({ redo, state }: NonNullable<typeof log>): void {
    const parts: Buffer[] = [];
    const entries: Entry[] = [];
    try {
      for (const target of targets.dirty) {
        for (const { name, rest } of target.files) {
          if (rest === null) continue;
          entries.push(keptEntry(dir, name, rest.length));
          parts.push(rest);
        }
      }
      const cut = targets.names();
      redo.turn({ ...snapshot(state), ...(cut !== null && { c: cut }) }, entries, Buffer.concat(parts));
    } catch (error) {
      complain('log', 'the journal', error);
    }
  }

  return {
    add(contact, out, record) {
      const target = targets.of(contact);
      collection.addTwo(target.files[0]!, record, target.files[1]!, out);
      targets.touch(target);
    },
    event(type, contact, detail, known) {
      const line = newEvent(dir, type, contact, detail, known);
      if (line === '') return;
      collection.add(events.files[0]!, line);
      targets.touch(events);
    },
    intend: (intent) => void intents.push(intent),
    settle: (id) => void settled.push(id),
    begin(session, unacked = 0) {
      given = recorded = told = 0;
      if (log === undefined || log.state.position.session === session) return;
      log.state.position = { session, n: 0 };
      log.state.recent.begin(unacked);
    },
    through(n) {
      given = n;
    },
    after: (call) => void thens.push(call),
    flush,
    quiet() {
      if (!syncing) return Promise.resolve();
      return new Promise((resolve) => void quiet.push(resolve));
    },
    async finish() {
      flush();
      while (syncing) await new Promise<void>((resolve) => void quiet.push(resolve));
      if (log === undefined) return;
      const whenFree = async () => {
        while (log.redo.busy && !closed) await new Promise<void>((resolve) => void free.push(resolve));
      };
      await whenFree();
      if (closed || syncing || !isDone()) return;
      turn(log);
      await whenFree();
    },
    close(begun = []) {
      unfinished = begun.map(({ jid, bytes }) => [jid, bytes.toString('base64')] as const);
      flush();
      closed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      if (idle !== null) clearTimeout(idle);
      if (log !== undefined) {
        mark(log);
        log.redo.close();
      }
      files.close();
      // What is in the log is not lost.
      return log === undefined || troubled.has('log') ? kept : 0;
    },
  };
}
