/** messaged, from its start to its end. */
import type { Outlet } from '../files/outlet.ts';
import { watchTree } from '../files/watch.ts';
import { type Feed, readStanzas } from '../xml/feed.ts';
import { createChats } from './chats.ts';
import { createJournal } from './journal.ts';
import { createTalk } from './talk.ts';

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
  readonly warn: (message: string) => void;
};

/** Writers who are about to write when the session ends have so many milliseconds, and then those who read us. */
const GRACE = 250;
const PATIENCE = 300;

/** Runs until its stanzas end or it is told to (SIGTERM). Resolves when everything is written. */
export async function messaged({ dir, own, fd, out, target, stamp, warn }: MessagedOptions): Promise<void> {
  let feed: Feed | undefined;
  let outletFull = false;
  let journalFull = false;
  let offline = false;
  let scheduled = false;

  const journal = createJournal(dir, {
    warn,
    full(full) {
      journalFull = full;
      if (full) feed?.pause();
      else feed?.resume();
      flow();
    },
  });

  /** Lines come between the batches of stanzas, many at once: they are written down together, too. */
  function soon(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      journal.flush();
    });
  }

  /** Front ends wait as long as we have no room for what they write, here or on disk. */
  function flow(): void {
    if (outletFull || journalFull) chats.pause();
    else chats.resume();
  }

  const chats = createChats(dir, {
    line(jid, bytes) {
      talk.line(jid, bytes);
      soon();
    },
    tooLong(jid, head, length) {
      talk.tooLong(jid, head, length);
      soon();
    },
    gone: (jid) => talk.forget(jid),
    warn,
  });

  const talk = createTalk({
    dir,
    own,
    stamp,
    journal,
    has: chats.has,
    open: chats.open,
    send(stanza, fate) {
      const room = out.send(stanza, (error) => {
        if (error !== null && !offline) warn(`cannot write ${target}: ${error.message}`);
        offline = error !== null;
        fate(error);
        soon();
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
  const tree = watchTree(dir, { base: chats.look, rescan: () => void chats.scan() });
  process.on('SIGHUP', () => void chats.scan());
  await chats.scan();

  const ended = new Promise<void>((resolve) => {
    feed = readStanzas(fd, {
      stanza: talk.stanza,
      batchEnd: journal.flush,
      skipped: (why) => warn(`skipped what is no stanza: ${why}`),
      end: resolve,
    });
  });
  await Promise.race([ended, told]);
  feed?.pause();
  tree.close();
  await chats.drain(GRACE);
  await out.end(PATIENCE);
  const lost = journal.close();
  if (lost > 0) warn(`${lost} bytes could not be written to disk and are lost`);
}
