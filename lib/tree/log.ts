/** `log`: a conversation for programs, whole, a JSON object a line. Fields may be added; none changes its meaning. */

/** What `log` holds of one message. A field that does not apply is not there. */
export type LogRecord = {
  /** When it was said; RFC 3339, UTC, milliseconds. */
  time: string;
  /** When it came, if that was later. */
  received?: string | undefined;
  /** `in` and `out`: a message; `refused`: a line that was not sent; `error`: one that came back. */
  dir: 'in' | 'out' | 'refused' | 'error';
  /** Full JIDs, as they stood in the stanza. */
  from?: string | undefined;
  to?: string | undefined;
  /** `chat`, `normal`, `headline`, `groupchat` or `error`. */
  type?: string | undefined;
  /** The sender's id. */
  id?: string | undefined;
  /** The id that the account's own archive or the room gave it (XEP-0359). */
  sid?: string | undefined;
  subject?: string | undefined;
  thread?: string | undefined;
  /** Why it was refused, or the error's condition and text. */
  reason?: string | undefined;
  /** The exact text; of a refused line the text as it was written. */
  body?: string | undefined;
  /** What came, where no other field holds it: elements as canonical XML. */
  xml?: string | undefined;
  /** A line that was refused and is no text, or is too long to be kept whole: its bytes, or the first of them, in base64. */
  bytes?: string | undefined;
  /** How many bytes such a line had. */
  length?: number | undefined;
};

/** What JSON leaves as it is and a terminal, or a reader of lines, may take for more than a character. */
const RISKY = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** These, and what JSON does not leave as it is. */
const NOT_PLAIN = /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/;

/** A text in JSON. Most texts are plain, and to see that costs a fraction of what the engine's writer of JSON does. */
function quoted(text: string): string {
  if (!NOT_PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(RISKY, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const field = (name: string, value: string | undefined): string =>
  value === undefined ? '' : `,"${name}":${quoted(value)}`;

export function logLine(r: LogRecord): string {
  const said = `{"time":"${r.time}"${field('received', r.received)},"dir":"${r.dir}"${field('from', r.from)}`;
  const ids = `${field('to', r.to)}${field('type', r.type)}${field('id', r.id)}${field('sid', r.sid)}`;
  const words = `${field('subject', r.subject)}${field('thread', r.thread)}${field('reason', r.reason)}`;
  const length = r.length === undefined ? '' : `,"length":${r.length}`;
  return `${said}${ids}${words}${field('body', r.body)}${field('xml', r.xml)}${field('bytes', r.bytes)}${length}}\n`;
}
