/** A line that somebody wrote into a contact's `in`, as a stanza to send. */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { isXmlText } from '../xml/chars.ts';
import { LIMITS } from '../xml/split.ts';
import { escape } from '../xml/write.ts';

export type Outgoing = { id: string; body: string; stanza: string } | { refused: string; body?: string; bytes?: string };

/** Bytes of a line that are looked at; a stanza has room for less. */
export const LINE_LIMIT = 1_048_576;

let prefix = '';
let serial = 0;

/** Unguessable, and cheap: 128 random bits for the process, then a number. */
function newId(): string {
  if (prefix === '') prefix = `m${randomBytes(16).toString('hex')}-`;
  return `${prefix}${(serial++).toString(36)}`;
}

/**
 * Makes a message of a line.
 * @param line its bytes without the line feed
 * @param room whether it goes to everybody in a room
 * @returns the stanza as one line, or why it cannot be sent, with the text or else the bytes
 */
export function makeMessage(line: Buffer, to: string, room: boolean): Outgoing {
  if (!isUtf8(line)) return { refused: 'not UTF-8', bytes: line.toString('base64') };
  const text = line.toString('utf8');
  const written = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (!isXmlText(written)) return { refused: 'it has characters that XMPP cannot carry', body: written };
  const body = written.replaceAll('\u2028', '\n');
  const id = newId();
  const stanza = `<message to='${escape(to)}' type='${room ? 'groupchat' : 'chat'}' id='${id}'><body>${escape(body)}</body></message>`;
  if (stanza.length > LIMITS.bytes || Buffer.byteLength(stanza) > LIMITS.bytes) return { refused: `too long: ${line.length} bytes`, body: written };
  return { id, body, stanza };
}
