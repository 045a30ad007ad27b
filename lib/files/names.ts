/**
 * Names of files for names from outside. An identifier of whatever protocol becomes one safe path component, and no two
 * of them the same one.
 */
import { createHash } from 'node:crypto';

/** What stands in an account directory beside the contacts. Names with a dot in front are never those of contacts. */
export const RESERVED: ReadonlySet<string> = new Set(['in', 'state', 'events', 'mypresence', 'ext', 'password', 'cert.pem']);

const MAX = 255;
/** `~` and 16 hex digits of the SHA-256: what a name ends in that was too long. */
const CUT = /~[0-9a-f]{16}$/;
const UNSAFE = /[\u0000-\u001f\u007f-\u009f/%\u2028-\u202e\u2066-\u2069]|^[.-]/g;

const hex = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** The directory of a contact. Escaped are `/`, `%`, controls, what reorders text, a leading `.` or `-`, and our own names. */
export function dirName(id: string): string {
  let name = id.replace(UNSAFE, hex);
  // A short name must not look like one that was cut.
  if (CUT.test(name)) name = `${name.slice(0, -17)}%7E${name.slice(-16)}`;
  if (RESERVED.has(name)) name = hex(name[0]!) + name.slice(1);
  if (name !== '' && Buffer.byteLength(name) <= MAX) return name;
  const head = Buffer.from(name).subarray(0, MAX - 17).toString('utf8').replace(/\ufffd+$/, '').replace(/%[0-9A-F]?$/, '');
  return `${head}~${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
}

/** Whether a name was cut, so that only the file `id` within knows the whole one. */
export const isCutName = (name: string): boolean => CUT.test(name);

/** The identifier that a directory is for; null if it is for none, or its name was cut. */
export function jidOfName(name: string): string | null {
  if (name === '' || name.startsWith('.') || RESERVED.has(name) || isCutName(name) || name.includes('\0')) return null;
  const bytes: number[] = [];
  const source = Buffer.from(name);
  for (let i = 0; i < source.length; i++) {
    if (source[i] !== 0x25) bytes.push(source[i]!);
    else {
      const code = source.toString('latin1', i + 1, i + 3);
      if (!/^[0-9A-F]{2}$/.test(code)) return null;
      bytes.push(Number.parseInt(code, 16));
      i += 2;
    }
  }
  const id = Buffer.from(bytes).toString('utf8');
  return dirName(id) === name ? id : null;
}

/** The file in `ext` for a namespace; null if no file can have such a name. */
export function extName(namespace: string): string | null {
  const name = namespace.replace(/[/%]/g, (c) => (c === '/' ? '%2F' : '%25'));
  if (name === '' || name === '.' || name === '..' || name.includes('\0') || Buffer.byteLength(name) > MAX) return null;
  return name;
}

/** Whether an answer with this id may stand in a file of that name. */
export const isIqId = (id: string): boolean => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(id) && !RESERVED.has(id);
