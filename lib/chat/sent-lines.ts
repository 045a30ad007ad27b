/** What we said lately, by its ids: receipts and bounces refer to it. */
import path from 'node:path';
import { dirName } from '../tree/names.ts';
import { lastRecords } from '../tree/tail.ts';

export type Said = {
  add(jid: string, id: string, body: string): void;
  /** The text that was sent to a contact under an id; undefined if none was. */
  find(jid: string, id: string): string | undefined;
};

/** So many are remembered, and of a text so many characters. */
const MOST = 2048;
const TEXT = 1000;

/** Bytes of a contact's log that are looked at for what an earlier process has sent. */
const TAIL = 65_536;

/** Ids that messaged gives; for no others is a file read. */
const OURS = /^m[A-Za-z0-9_-]{24}$/;

export function createSentLines(dir: string): Said {
  const known = new Map<string, { readonly jid: string; readonly body: string }>();
  return {
    add(jid, id, body) {
      if (known.size >= MOST) known.delete(known.keys().next().value!);
      known.set(id, { jid, body: body.length > TEXT ? `${body.slice(0, TEXT)}…` : body });
    },
    find(jid, id) {
      const one = known.get(id);
      if (one !== undefined) return one.jid === jid ? one.body : undefined;
      if (!OURS.test(id)) return undefined;
      const records = lastRecords(path.join(dir, dirName(jid), 'log'), TAIL);
      return records.find((record) => record.dir === 'out' && record.id === id)?.body;
    },
  };
}
