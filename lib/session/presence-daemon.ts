/**
 * What presenced does, from its start to its end. As a part of a session of sj it keeps what it knows in `.presences`,
 * so that where the session goes on, nobody has to be told or asked again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createContacts } from '../presence/contacts.ts';
import type { PresenceLimits } from '../presence/limits.ts';
import type { PresenceCodec } from '../presence/model.ts';
import { createOwnPresence, OFFLINE } from '../presence/own.ts';
import { keepSaid, saidBefore } from '../presence/said.ts';
import { openTree } from '../presence/tree.ts';
import type { Notes } from '../store/notes.ts';
import { createComplaints } from '../sys/complaints.ts';
import { errno } from '../sys/errno.ts';
import type { Outlet } from '../sys/outlet.ts';
import { ONLINE, type Own } from '../tree/mypresence.ts';
import { dirName } from '../tree/names.ts';
import { clearPresences } from '../tree/presence-file.ts';
import type { BackEnd, Feed } from './back-end.ts';
import { createConfirmations } from './confirmations.ts';
import { AGAIN, createDaemonSession } from './daemon.ts';
import type { SessionInfo } from './inlet.ts';

export type PresencedOptions<Frame> = {
  readonly backEnd: BackEnd<Frame> & PresenceCodec<Frame>;
  /** The account directory. */
  readonly dir: string;
  /** The descriptor that frames come from. */
  readonly fd: number;
  /** Where frames are sent to: the place and its name. */
  readonly out: Outlet;
  readonly target: string;
  /** The own id, if known. */
  readonly own: string | null;
  /** Whether sj keeps account of what it hands out. */
  readonly ack: boolean;
  readonly limits: PresenceLimits;
  readonly warn: (message: string) => void;
};

/** Where the file for everybody can't be read at start: nobody is told what the user may not have wanted to tell. */
const UNKNOWN: Own = { show: 'offline', status: '' };

/** So many characters that can't be written are kept before we read no more. */
const MOST_BEHIND = 1_048_576;

/** Runs until its stanzas end or it is told to (SIGTERM). Resolves when everything is written. */
export async function presenced<Frame>(options: PresencedOptions<Frame>): Promise<void> {
  const { backEnd, dir, fd, out, target, own, ack, limits, warn } = options;
  const complaints = createComplaints(warn);
  const contacts = createContacts({ dir, own, codec: backEnd, complaints, limits });
  const confirmations = createConfirmations();
  let presence = createOwnPresence();
  let everybody: Own | undefined;
  let lost = false;
  let feed: Feed | undefined;
  let notes: Notes | null = null;
  /** Contacts that had a presence of their own in the session before, and have none now. */
  let withdrawn = new Map<string, null>();
  /** The number of the last stanza that was taken. */
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const part = createDaemonSession(out, backEnd.control, path.join(dir, '.presences'), complaints, {
    begin,
    stanza: take,
    sent: confirmations.sent,
    refused: confirmations.refused,
    hold(on) {
      if (on) feed?.pause();
      else feed?.resume();
    },
  });

  function say(jid: string, text: string): boolean {
    const own = presence.of(jid);
    if (notes !== null) {
      const memory = notes;
      confirmations.post((refusal) => {
        if (refusal === null) keepSaid(memory, jid, own);
      });
    }
    return out.send(text);
  }

  const tree = openTree(dir, backEnd.normalizeId, complaints, {
    appeared: contacts.appeared,
    vanished: contacts.vanished,
    rescan() {
      contacts.retry();
      // Nobody was there to take it, so it is still to be said, all of it.
      if (lost) presence = createOwnPresence();
      lost = false;
    },
    read(global, read) {
      if (global !== undefined) everybody = global ?? ONLINE;
      const theirs = withdrawn.size > 0 ? new Map([...withdrawn, ...read]) : read;
      withdrawn = new Map();
      let room = true;
      for (const { to, own } of presence.update(everybody ?? UNKNOWN, theirs))
        room = say(to ?? '', backEnd.encodePresence(own, to));
      if (!room) tree.pause();
      if (!out.broken) complaints.well(target);
      settle();
    },
  });

  /** Writes down what was taken, and tells so; what can't be written is tried again. */
  function settle(): void {
    if (part.waiting) return;
    clearTimeout(timer);
    contacts.batchEnd();
    const kept = contacts.behind === 0 && part.done(last);
    if (!kept || contacts.stale) timer = setTimeout(again, AGAIN);
    if (contacts.behind + (notes?.pending ?? 0) > MOST_BEHIND) feed?.pause();
    else feed?.resume();
  }

  function again(): void {
    contacts.retry();
    settle();
  }

  function take(frame: Frame, n: number | null, before: boolean): void {
    if (!before) contacts.take(frame);
    if (n !== null) last = n;
  }

  /** The session goes on, or begins anew. */
  function begin(opened: Notes, { resumed }: SessionInfo): void {
    notes = opened;
    const { known } = opened;
    contacts.remember(opened, known);
    if (known !== null) {
      const said = saidBefore(known);
      presence = createOwnPresence(said);
      const has = (jid: string) => jid === '' || fs.existsSync(path.join(dir, dirName(jid), 'mypresence'));
      withdrawn = new Map([...said.keys()].filter((jid) => !has(jid)).map((jid) => [jid, null]));
    } else if (resumed) {
      // The server tells who is there only whom it sees arrive.
      say('', backEnd.encodePresence(OFFLINE));
    }
    void show();
  }

  /** Tells own presence, and shows that of others. */
  async function show(): Promise<void> {
    // The initial presence is on its way before thousands of directories are looked at.
    tree.readGlobal();
    await setImmediate();
    if (!ack) clearPresences(dir, warn);
    tree.resume();
    tree.scan();
  }

  out.onError((error) => {
    lost = true;
    // Whoever started us has gone, for reasons of its own: that is no news, and our input will end, too.
    if (target.startsWith('/dev/fd/') && errno(error) === 'EPIPE') return;
    complaints.report(target, 'write', error);
  });
  out.onDrain(tree.resume);
  process.on('SIGHUP', tree.rescan);
  // A terminal's ^C reaches every process of the session; sj ends it in order, and we see that on our stdin.
  process.on('SIGINT', () => {});

  tree.pause();
  if (ack) {
    part.hello();
    clearPresences(dir, warn);
  } else await show();

  await new Promise<void>((resolve) => {
    feed = backEnd.read(
      fd,
      {
        frame: (frame) => (ack ? part.take(frame) : take(frame, null, false)),
        batchEnd: settle,
        skipped(why, counts) {
          warn(`skipped what cannot be read: ${why}`);
          if (ack && counts) part.take(backEnd.control.unreadable());
        },
        end: resolve,
      },
      'all',
    );
    process.on('SIGTERM', () => {
      feed?.pause();
      resolve();
    });
  });
  feed = undefined;
  part.end();
  settle();
  clearTimeout(timer);
  tree.close();
  contacts.close();
  await out.end();
}
