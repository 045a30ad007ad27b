/** messaged, from its start to its end, when it runs alone: it answers for nothing but the files. */

import { daemonLimits, type Limits } from '../cli/limits.ts';
import { growOnce } from '../sys/heap.ts';
import type { Outlet } from '../sys/outlet.ts';
import { watchTree } from '../sys/watch.ts';
import { createFormatter } from '../tree/format.ts';
import { tellMisnamed } from '../tree/misnamed.ts';
import { type Feed, readStanzas } from '../xml/feed.ts';
import { isRead } from '../xmpp/codec/message.ts';
import { createConversation } from './conversation.ts';
import { createInboxes } from './inboxes.ts';
import { createJournal } from './journal.ts';

export type MessagedOptions = {
  /** The account directory. */
  readonly dir: string;
  /** The own bare JID. */
  readonly own: string;
  /** The descriptor that stanzas come from. */
  readonly fd: number;
  /** Where stanzas are sent to, and its name for people. */
  readonly out: Outlet;
  readonly target: string;
  /** As in SJ_STAMP. */
  readonly stamp: string | undefined;
  readonly limits: Limits;
  readonly warn: (message: string) => void;
};

/** Writers who are about to write when the session ends have so many milliseconds, and then those who read us. */
export const GRACE = 250;
export const PATIENCE = 300;

/** Bytes of stanzas that may be waiting to be written down together. */
const MOST_TOGETHER = 2 * 1_048_576;

/** So many bytes at once are a burst: as long as it goes on, so many milliseconds at most, more is waited for. */
const BURST = 65_536;
const PATIENT = 40;
const STALL = 200;

/** The clock is looked at once for so many stanzas. */
const CLOCK = 16;

/**
 * What was read in one turn of the event loop is written down together. Of a burst more is taken together: a file that
 * gets ten lines at once costs about as much as one that gets a single line.
 */
export function createBatcher(flush: () => void) {
  let scheduled = false;
  let size = 0;
  let seen = 0;
  let count = 0;
  let since = 0;
  let timer: NodeJS.Timeout | null = null;
  const grown = growOnce();

  function run(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    scheduled = false;
    size = seen = count = 0;
    flush();
    grown();
  }

  const late = (patience: number) => performance.now() - since > patience;

  function look(): void {
    if (!scheduled) return;
    timer = null;
    if (size < BURST || size === seen || late(PATIENT)) return run();
    seen = size;
    timer = setTimeout(look, 1);
  }

  return {
    soon(): void {
      if (scheduled) return;
      scheduled = true;
      setImmediate(look);
    },
    /** @param bytes how much has come */
    add(bytes: number): void {
      if (count === 0) since = performance.now();
      size += bytes;
      // To meet somebody new can take long: what was said before that is not to wait for all of them.
      if (size > MOST_TOGETHER || (++count % CLOCK === 0 && late(STALL))) run();
    },
  };
}

/** Runs until its stanzas end or it is told to (SIGTERM). Resolves when everything is written. */
export async function messaged(options: MessagedOptions): Promise<void> {
  const { dir, own, fd, out, target, stamp, limits, warn } = options;
  let feed: Feed | undefined;
  let outletFull = false;
  let journalFull = false;
  let offline = false;

  const journal = createJournal(
    dir,
    {
      warn,
      full(full) {
        journalFull = full;
        if (full) feed?.pause();
        else feed?.resume();
        flow();
      },
    },
    { room: () => inboxes.room() },
  );
  const batch = createBatcher(journal.flush);

  /** Front ends wait as long as we have no room for what they write, here or on disk. */
  function flow(): void {
    if (outletFull || journalFull) inboxes.pause();
    else inboxes.resume();
  }

  const inboxes = createInboxes(
    dir,
    {
      line(jid, bytes) {
        conversation.line(jid, bytes);
        batch.soon();
      },
      misnamed: (name, text) => tellMisnamed(dir, name, createFormatter(stamp).notice(Date.now(), text), text),
      tooLong(jid, head, length) {
        conversation.tooLong(jid, head, length);
        batch.soon();
      },
      gone: (jid) => conversation.forget(jid),
      warn,
    },
    limits,
  );

  const conversation = createConversation({
    dir,
    own,
    stamp,
    journal,
    has: inboxes.has,
    open: inboxes.open,
    soon: batch.soon,
    limits,
    send({ intent, stanza }) {
      const room = out.send(stanza, (error) => {
        if (error !== null && !offline) warn(`cannot write ${target}: ${error.message}`);
        offline = error !== null;
        conversation.fate(intent, offline ? 'offline' : null);
        batch.soon();
      });
      if (room || outletFull) return;
      outletFull = true;
      flow();
    },
    warn,
  });

  out.onDrain(() => {
    outletFull = false;
    flow();
  });
  // A terminal's ^C reaches the whole group, and sj closes our input when it is our turn.
  process.on('SIGINT', () => {});
  const told = new Promise<void>((resolve) => process.on('SIGTERM', resolve));
  // The watch first, then a look: what is made in between is seen by one of them.
  const tree = watchTree(dir, { base: inboxes.look, rescan: () => void inboxes.scan(), warn });
  process.on('SIGHUP', tree.rescan);
  await inboxes.scan();

  const ended = new Promise<void>((resolve) => {
    feed = readStanzas(
      fd,
      {
        stanza(element, { length }) {
          conversation.stanza(element);
          batch.add(length);
        },
        batchEnd: batch.soon,
        skipped: (why) => warn(`skipped what is no stanza: ${why}`),
        end: resolve,
      },
      daemonLimits(limits),
      isRead,
    );
  });
  await Promise.race([ended, told]);
  feed?.pause();
  journal.flush();
  tree.close();
  await inboxes.drain(GRACE);
  conversation.close();
  await out.end(PATIENCE);
  const lost = journal.close();
  if (lost > 0) warn(`${lost} bytes could not be written to disk and are lost`);
}
