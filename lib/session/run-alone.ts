/** messaged, from its start to its end, when it runs alone: it answers for nothing but the files. */
import { createBatcher } from '../chat/batcher.ts';
import { createConversation } from '../chat/conversation.ts';
import { createInboxes } from '../chat/inboxes.ts';
import { createJournal } from '../chat/journal.ts';
import type { ChatLimits } from '../chat/limits.ts';
import type { Outlet } from '../sys/outlet.ts';
import { watchTree } from '../sys/watch.ts';
import { createFormatter } from '../tree/format.ts';
import { tellMisnamed } from '../tree/misnamed.ts';
import type { BackEnd, Feed } from './back-end.ts';

export type MessagedOptions<Frame> = {
  readonly backEnd: BackEnd<Frame>;
  /** The account directory. */
  readonly dir: string;
  /** The own id. */
  readonly own: string;
  /** The descriptor that frames come from. */
  readonly fd: number;
  /** Where frames are sent to, and its name for people. */
  readonly out: Outlet;
  readonly target: string;
  /** As in SJ_STAMP. */
  readonly stamp: string | undefined;
  readonly limits: ChatLimits;
  readonly warn: (message: string) => void;
};

/** Writers who are about to write when the session ends have so many milliseconds, and then those who read us. */
export const GRACE = 250;
export const PATIENCE = 300;

/** Runs until its frames end or it is told to (SIGTERM). Resolves when everything is written. */
export async function runAlone<Frame>(options: MessagedOptions<Frame>): Promise<void> {
  const { backEnd, dir, own, fd, out, target, stamp, limits, warn } = options;
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
    backEnd,
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
    codec: backEnd,
    own,
    stamp,
    journal,
    has: inboxes.has,
    open: inboxes.open,
    soon: batch.soon,
    limits,
    send({ intent, frame }) {
      const room = out.send(frame, (error) => {
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
  const scanned = inboxes.scan();

  const ended = new Promise<void>((resolve) => {
    feed = backEnd.read(
      fd,
      {
        frame(frame, length) {
          conversation.take(frame);
          batch.add(length);
        },
        batchEnd: batch.soon,
        skipped: (why) => warn(`skipped what cannot be read: ${why}`),
        end: resolve,
      },
      'messages',
    );
  });
  await Promise.race([ended, told]);
  feed?.pause();
  journal.flush();
  tree.close();
  await scanned;
  await inboxes.drain(GRACE);
  conversation.close();
  await out.end(PATIENCE);
  const lost = journal.close();
  if (lost > 0) warn(`${lost} bytes could not be written to disk and are lost`);
}
