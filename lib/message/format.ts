/**
 * The lines of `out`, for people and for front ends that read lines: no text from outside can make a line there that it
 * does not own, or reach a terminal as a control.
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

/** Characters of a text that an event or a notice repeats. */
const EXCERPT = 100;

/** The beginning of a text: of its first line that has anything. */
export function excerpt(text: string, most = EXCERPT): string {
  if (text.length <= most && !LINE_ENDS.test(text)) return text;
  const line = text.split(LINE_ENDS).find((part) => part.trim() !== '') ?? '';
  if (line.length <= most) return line;
  // Not half of a character that takes two.
  return `${line.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;
}
