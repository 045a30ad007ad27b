/** What presenced does, from its start to its end. */
import { setImmediate } from 'node:timers/promises';
import { errno } from '../cli/die.ts';
import type { Outlet } from '../files/outlet.ts';
import { readStanzas } from '../xml/feed.ts';
import { canonical } from '../xml/write.ts';
import { clearPresences } from './clear.ts';
import { createContacts } from './contacts.ts';
import { ONLINE, type Own } from './mypresence.ts';
import { createOwnPresence } from './own.ts';
import { openTree } from './tree.ts';
import { createTroubles } from './troubles.ts';

export type PresencedOptions = {
  /** The account directory. */
  readonly dir: string;
  /** The descriptor that stanzas come from. */
  readonly fd: number;
  /** Where stanzas are sent to: the place and its name. */
  readonly out: Outlet;
  readonly target: string;
  /** The own bare JID, if known. */
  readonly own: string | null;
  readonly bareOf: (jid: string) => string | null;
  readonly warn: (message: string) => void;
};

/** Where the file for everybody can't be read at start: nobody is told what the user may not have wanted to tell. */
const UNKNOWN: Own = { show: 'offline', status: '' };

/** Runs until its stanzas end or it is told to (SIGTERM). Resolves when everything is written. */
export async function presenced({ dir, fd, out, target, own, bareOf, warn }: PresencedOptions): Promise<void> {
  const troubles = createTroubles(warn);
  const contacts = createContacts({ dir, own, bareOf, troubles });
  let presence = createOwnPresence();
  let everybody: Own | undefined;
  let lost = false;

  const tree = openTree(dir, bareOf, troubles, {
    appeared: contacts.appeared,
    vanished: contacts.vanished,
    rescan() {
      contacts.retry();
      // Nobody was there to take it, so it is still to be said, all of it.
      if (lost) presence = createOwnPresence();
      lost = false;
    },
    read(global, theirs) {
      if (global !== undefined) everybody = global ?? ONLINE;
      let room = true;
      for (const stanza of presence.update(everybody ?? UNKNOWN, theirs)) room = out.send(canonical(stanza));
      if (!room) tree.pause();
      if (!out.broken) troubles.well(target);
    },
  });
  out.onError((error) => {
    lost = true;
    // Whoever started us has gone, for reasons of its own: that is no news, and our input will end, too.
    if (target.startsWith('/dev/fd/') && errno(error) === 'EPIPE') return;
    troubles.report(target, 'write', error);
  });
  out.onDrain(tree.resume);
  process.on('SIGHUP', tree.rescan);
  // A terminal's ^C reaches every process of the session; sj ends it in order, and we see that on our stdin.
  process.on('SIGINT', () => {});

  // The initial presence is on its way before thousands of directories are looked at.
  tree.readGlobal();
  await setImmediate();
  clearPresences(dir, warn);
  tree.scan();

  await new Promise<void>((resolve) => {
    const feed = readStanzas(fd, {
      stanza: (element) => contacts.stanza(element),
      batchEnd: contacts.batchEnd,
      skipped: (why) => warn(`skipped a stanza: ${why}`),
      end: resolve,
    });
    process.on('SIGTERM', () => {
      feed.pause();
      resolve();
    });
  });
  tree.close();
  clearPresences(dir, warn);
  await out.end();
}
