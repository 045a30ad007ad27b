/** Addresses that have been read already. */
import { type Jid, tryJid } from './jid.ts';

/** Longer addresses are read each time: they are rare, and whoever sends them shall not fill the memory. */
const KEY_LIMIT = 256;

/**
 * A reader of addresses that remembers about the last `entries` of them, among them those that are none. It holds two
 * generations: when the young one is full the old one is dropped, so that nothing has to be sorted, and a flood of new
 * addresses costs the others one more reading each.
 * @returns a function as `tryJid`
 */
export function createJidCache(entries: number): (text: string) => Jid | null {
  const generation = Math.max(1, entries >> 1);
  let young = new Map<string, Jid | null>();
  let old = new Map<string, Jid | null>();
  return (text) => {
    const known = young.get(text);
    if (known !== undefined) return known;
    if (text.length > KEY_LIMIT) return tryJid(text);
    // A copy: V8 keeps the whole stanza alive for a piece of its text.
    const key = Buffer.from(text, 'utf16le').toString('utf16le');
    const seen = old.get(key);
    const jid = seen === undefined ? tryJid(key) : seen;
    if (young.size >= generation) {
      old = young;
      young = new Map();
    }
    young.set(key, jid);
    return jid;
  };
}

/** `tryJid` with one memory for the whole process. */
export const cachedJid: (text: string) => Jid | null = createJidCache(4096);
