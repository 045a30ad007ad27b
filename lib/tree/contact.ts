/** The directories of contacts: one per identifier, which stands exact in the file `id` within. */
import fs from 'node:fs';
import path from 'node:path';
import { writeAll } from '../sys/append.ts';
import { errno } from '../sys/errno.ts';
import { look } from '../sys/look.ts';
import { readRegular } from '../sys/read.ts';
import { createFile, temporaryName } from '../sys/replace.ts';
import { logEvent } from './events.ts';
import { dirName, idOfName, isCutName, RESERVED } from './names.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = fs.constants;

export type Contact = { readonly name: string; readonly jid: string };

/**
 * Sees to it that a contact has a directory with its `id`. Who makes the `id` tells of the new contact, so that it is
 * told once, whoever made the directory.
 * @returns the directory's path
 * @throws on failure; ENOTDIR if something else has the name
 */
export function ensureContact(dir: string, jid: string): string {
  const place = path.join(dir, dirName(jid));
  makeDirectory(place);
  const file = path.join(place, 'id');
  if ((look(file)?.size ?? 0) === 0 && makeId(place, file, `${jid}\n`)) logEvent(dir, 'new', jid);
  return place;
}

/** Front ends open `out` as soon as a chat is there. Where that fails, the first message makes it, or tells why not. */
export function makeOut(place: string): void {
  try {
    fs.closeSync(fs.openSync(path.join(place, 'out'), 'wx', 0o600));
  } catch {}
}

/** @returns whether there was none */
function makeId(place: string, file: string, text: string): boolean {
  // A cut name says nothing without its id, so nobody shall see half of that.
  if (!isCutName(path.basename(place))) return create(file, text);
  // Not among the contact's files: there nobody would remove what is left after a kill.
  return createFile(file, text, temporaryName(place));
}

function create(file: string, text: string): boolean {
  try {
    fs.writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if (errno(error) !== 'EEXIST') {
      fs.rmSync(file, { force: true });
      throw error;
    }
  }
  // Somebody is writing the same, or was killed before.
  if (!look(file)?.isFile()) return false;
  const fd = fs.openSync(file, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    writeAll(fd, Buffer.from(text));
  } finally {
    fs.closeSync(fd);
  }
  return false;
}

/** @throws ENOTDIR if something else has the name, a link for one: what is written there would land anywhere */
function makeDirectory(place: string): void {
  const see = () => fs.lstatSync(place, { throwIfNoEntry: false });
  let there = see();
  if (there === undefined) {
    try {
      fs.mkdirSync(place, { mode: 0o700 });
      return;
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error;
      there = see();
    }
  }
  if (!there?.isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
}

/** What a directory entry is: a contact, none at all (null), or one that cannot be served, and why. */
export function contactOf(dir: string, name: string): Contact | { error: string } | null {
  if (name.startsWith('.') || RESERVED.has(name)) return null;
  try {
    if (!fs.lstatSync(path.join(dir, name)).isDirectory()) return null;
  } catch {
    return null;
  }
  return identify(dir, name);
}

function identify(dir: string, name: string): Contact | { error: string } {
  if (!isCutName(name)) {
    const jid = idOfName(name);
    return jid === null ? { error: 'a name that no contact has' } : { name, jid };
  }
  try {
    const jid = readRegular(path.join(dir, name, 'id'))
      .toString()
      .replace(/\n$/, '');
    return dirName(jid) === name ? { name, jid } : { error: 'its id is that of another contact' };
  } catch {
    return { error: 'a shortened name without an id' };
  }
}

/** All contacts that have a directory. */
export function listContacts(dir: string): Contact[] {
  const contacts: Contact[] = [];
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith('.') || RESERVED.has(entry.name)) continue;
    const contact = identify(dir, entry.name);
    if ('jid' in contact) contacts.push(contact);
  }
  return contacts;
}
