/**
 * The two logs of a conversation. `out` is for people and for front ends that read lines: no text from outside can make
 * a line there that it does not own, or reach a terminal as a control. `log` is for programs and keeps every character.
 */
import { stamp } from '../files/stamp.ts';

/** C0 but TAB, DEL, C1, and what changes the order of text. */
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LINE_ENDS = /\r\n|[\n\u2028\u2029]/;

const shown = (text: string) => text.replace(CONTROLS, '\ufffd');

/** A name as it stands between `<` and `>`. */
export const who = (name: string): string => shown(name).replace(/[\s>]/g, '_');

export type Formatter = {
  /** Lines of `out` for what somebody said, each with the whole prefix. */
  message(time: number, name: string, body: string): string;
  /** Lines of `out` for what nobody said. */
  notice(time: number, text: string): string;
};

/** @param format as in SJ_STAMP, see `stamp` */
export function createFormatter(format: string | undefined): Formatter {
  let minute = Number.NaN;
  let text = '';
  // The default has no seconds, so it is the same for a whole minute.
  const at = (time: number): string => {
    if (format) return stamp(format, new Date(time));
    const now = Math.floor(time / 60_000);
    if (now !== minute) {
      minute = now;
      text = stamp(undefined, new Date(time));
    }
    return text;
  };
  const lines = (prefix: string, body: string): string => {
    if (!LINE_ENDS.test(body)) return `${prefix}${shown(body)}\n`;
    const parts = body.split(LINE_ENDS);
    while (parts.length > 1 && parts.at(-1) === '') parts.pop();
    return parts.map((part) => `${prefix}${shown(part)}\n`).join('');
  };
  return {
    message: (time, name, body) => lines(`${at(time)} <${who(name)}> `, body),
    notice: (time, notice) => lines(`${at(time)} -!- `, notice),
  };
}

/** What `log` holds of one message or notice. Fields that do not apply are left out. */
export type LogRecord = {
  /** When it was said, and when it was written down if that was later; RFC 3339, UTC. */
  time: string;
  received?: string;
  /** `in`, `out`, `refused`: never sent; `error`: the other side could not take it. */
  dir: 'in' | 'out' | 'refused' | 'error';
  from?: string | undefined;
  to?: string | undefined;
  type?: string | undefined;
  id?: string | undefined;
  /** The id of the server's archive or the room. */
  sid?: string | undefined;
  subject?: string | undefined;
  thread?: string | undefined;
  /** Why it was refused, or the error's condition. */
  reason?: string | undefined;
  body?: string | undefined;
  /** The line as it was written, in base64, where it is no text. */
  bytes?: string | undefined;
};

export const logLine = (record: LogRecord): string => `${JSON.stringify(record)}\n`;
