/**
 * Names in the account directory. Whatever comes from the network becomes a file name here or nowhere: an id of a
 * contact is an opaque text of some chat protocol, and its name is one path component that cannot be hidden, be taken
 * for an option, be one of our own names, or show as anything but what it is.
 *
 * A character is written `%XX`, once for each byte of its UTF-8, if it is `/`, `%`, a control (C0, DEL, C1), a line or
 * paragraph separator or a bidi control; the first byte also if it is `.` or `-`, or if the name would be one of ours;
 * and the `~` of an id that ends like a cut name. All else stands for itself.
 */

import { createHash } from 'node:crypto';
import { later } from '../sys/later.ts';

/** The names of the account directory that no contact and no iq answer can have. */
export const RESERVED: ReadonlySet<string> = new Set([
  'in',
  'state',
  'events',
  'out',
  'mypresence',
  'ext',
  'password',
  'cert.pem',
]);

/** The most bytes that a file name can have. */
const NAME_LIMIT = 255;
const CUT_END = /~[0-9a-f]{16}$/;
const CUT_END_BYTES = 17;
/** Less than this no cut name has: it would have had room for one character more, and none is over nine bytes. */
const CUT_LEAST = NAME_LIMIT - 8;

const isUnsafe = later(String.raw`^[/%\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]$`);
/** ASCII in which nothing has to be escaped. */
const PLAIN = /^[!-$&-,0-9:-}][!-$&-.0-9:-}]{0,254}$/;
const hasLoneSurrogate = later(String.raw`\p{Cs}`);

/**
 * The directory name of a contact. Two ids never have the same name, but for those whose names are over 255 bytes:
 * 64 bits of SHA-256 tell these apart, and the file `id` holds the exact one.
 * @param id a bare JID in normal form, or what another protocol has instead
 * @throws RangeError for the empty text and for one that UTF-8 cannot hold (lone surrogates)
 */
export function dirName(id: string): string {
  if (PLAIN.test(id) && !RESERVED.has(id)) return id;
  if (id === '' || hasLoneSurrogate(id)) throw new RangeError('an id that no file name can hold');
  if (RESERVED.has(id)) return hex(id.slice(0, 1)) + id.slice(1);
  const characters = escaped(id);
  const name = characters.join('').replace(CUT_END, (end) => hex('~') + end.slice(1));
  return Buffer.byteLength(name) <= NAME_LIMIT ? name : cut(id, characters);
}

/**
 * The id that a directory name stands for.
 * @returns null for a name that `dirName` does not give, and for a cut one: its id stands in its file `id`
 */
export function idOfName(name: string): string | null {
  const id = decode(name);
  return id !== null && id !== '' && dirName(id) === name ? id : null;
}

/** Whether a name is of the form that `dirName` gives to ids that are too long. */
export function isCutName(name: string): boolean {
  const length = Buffer.byteLength(name);
  if (length < CUT_LEAST || length > NAME_LIMIT || !CUT_END.test(name)) return false;
  const head = name.slice(0, -CUT_END_BYTES);
  const id = decode(head);
  return id !== null && escaped(id).join('') === head;
}

/**
 * The name of the handler for a namespace in `ext/`: `/` and `%` as `%2F` and `%25`.
 * @returns null where no handler can be: an empty or too long name, a hidden one, one with controls in it
 */
export function extName(namespace: string): string | null {
  if (namespace === '' || namespace.startsWith('.') || hasControls(namespace)) return null;
  const name = namespace.replace(/[/%]/g, hex);
  return Buffer.byteLength(name) <= NAME_LIMIT ? name : null;
}

const hasControls = later(String.raw`[\p{Cc}\p{Cs}]`);

/** Whether an iq id can be the name of the file that its answer goes to. */
export const isIqId = (id: string): boolean => /^(?!\.)[A-Za-z0-9._-]{1,64}$/.test(id) && !RESERVED.has(id);

/** A text with every byte of its UTF-8 as `%XX`. */
const hex = (text: string): string =>
  Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** The characters of an id as they stand in its name. */
const escaped = (id: string): string[] =>
  Array.from(id, (char, at) => (isUnsafe(char) || (at === 0 && /[.-]/.test(char)) ? hex(char) : char));

/** What has been escaped as it was, in any spelling; null for what is no text at all. */
function decode(name: string): string | null {
  if (hasLoneSurrogate(name)) return null;
  if (!name.includes('%')) return name;
  const bytes = Buffer.from(name)
    .toString('latin1')
    .replace(/%([0-9A-F]{2})/g, (_, pair: string) => String.fromCharCode(Number.parseInt(pair, 16)));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return null;
  }
}

/** As many whole characters as leave room for the hash, and the hash. */
function cut(id: string, characters: readonly string[]): string {
  let head = '';
  let room = NAME_LIMIT - CUT_END_BYTES;
  for (const character of characters) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    head += character;
  }
  return `${head}~${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
}
