/**
 * The lines of `out`, for people and for front ends that read lines: no text from outside can make a line there that it
 * does not own, or reach a terminal as a control.
 */
import { stamp } from '../sys/stamp.ts';
import { refreshZone } from '../sys/zone.ts';

/** C0 but TAB, DEL, C1, and what changes the order of text. */
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LINE_ENDS = /\r\n|[\n\u2028\u2029]/;
const EACH_END = /\r\n|[\n\u2028\u2029]/g;

/**
 * Bytes that the prefixes of one message may add to it, if that is more than the text itself has characters: without a
 * bound, a text of line feeds would become a thousand times as long.
 */
const MOST_PREFIXES = 65_536;

const shown = (text: string) => text.replace(CONTROLS, '\ufffd');

/** A name as it stands between `<` and `>`. */
export const who = (name: string): string => shown(name).replace(/[\s>]/g, '_');

/** Where a text ends without the ends of lines that close it. */
function trimmed(body: string): number {
  let end = body.length;
  while (end > 0 && LINE_ENDS.test(body[end - 1]!)) {
    if (body[end - 1] === '\n' && body[end - 2] === '\r') end--;
    end--;
  }
  return end;
}

/** Milliseconds between two looks at the time zone. */
const LOOK = 1000;

export type Formatter = {
  /**
   * Lines of `out` for what somebody said, each with the whole prefix. Of a message of very many short lines only the
   * first are there, and a notice says how many are not.
   */
  message(time: number, name: string, body: string): string;
  /** Lines of `out` for what nobody said. */
  notice(time: number, text: string): string;
};

/** @param format as in SJ_STAMP, see `stamp` */
export function createFormatter(format: string | undefined): Formatter {
  let minute = Number.NaN;
  let looked = performance.now();
  let text = '';
  // The default has no seconds, so it is the same for a whole minute.
  const at = (time: number): string => {
    // A laptop travels: a look at the system's zone, a second apart.
    const tick = performance.now();
    if (tick - looked > LOOK) {
      looked = tick;
      if (refreshZone()) minute = Number.NaN;
    }
    if (format) return stamp(format, new Date(time));
    const now = Math.floor(time / 60_000);
    if (now !== minute) {
      minute = now;
      text = stamp(undefined, new Date(time));
    }
    return text;
  };
  const lines = (time: string, who: string, body: string): string => {
    const prefix = `${time} ${who} `;
    if (!LINE_ENDS.test(body)) return `${prefix}${shown(body)}\n`;
    const end = trimmed(body);
    const most = Math.max(1, Math.floor(Math.max(MOST_PREFIXES, end) / Buffer.byteLength(prefix)));
    let text = '';
    let start = 0;
    let count = 0;
    EACH_END.lastIndex = 0;
    for (let found = EACH_END.exec(body); ; found = EACH_END.exec(body)) {
      const at = found === null || found.index >= end ? end : found.index;
      if (count++ < most) text += `${prefix}${shown(body.slice(start, at))}\n`;
      if (at === end) break;
      start = EACH_END.lastIndex;
    }
    if (count <= most) return text;
    return `${text}${time} -!- the message goes on for ${count - most} more lines: log has all of it\n`;
  };
  return {
    message: (time, name, body) => lines(at(time), `<${who(name)}>`, body),
    notice: (time, notice) => lines(at(time), '-!-', notice),
  };
}

/** Characters of a text that an event or a notice repeats. */
const EXCERPT = 100;

/** The beginning of a text: of its first line that has anything. */
export function excerpt(text: string, most = EXCERPT): string {
  if (text.length <= most && !LINE_ENDS.test(text)) return text;
  const said = text.search(/\S/);
  if (said < 0) return '';
  let start = said;
  while (start > 0 && !LINE_ENDS.test(text[start - 1]!)) start--;
  // Two more: one that tells that it goes on, or both of a line's end.
  const [line = ''] = text.slice(start, start + most + 2).split(LINE_ENDS);
  if (line.length <= most) return line;
  // Not half of a character that takes two.
  return `${line.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;
}
