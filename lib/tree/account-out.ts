/** `out` of the account directory: what happened to the account, for people, in the form of a contact's `out`. */
import path from 'node:path';
import { appendRecord } from '../sys/append.ts';
import { stamp } from '../sys/stamp.ts';

/** What is told of an event; null: it is told elsewhere, or to front ends alone. */
function textOf(type: string, id: string, detail: string): string | null {
  const more = detail === '' ? '' : `: ${detail}`;
  switch (type) {
    case 'online':
      return `online as ${detail}`;
    case 'offline':
      return `offline${more}`;
    case 'error':
      return id === '' ? detail : `${id}${more}`;
    case 'subscribe':
      return `${id} asks to see your presence${more}`;
    case 'subscribed':
      return `${id} lets you see their presence${more}`;
    case 'unsubscribe':
      return `${id} does not want to see your presence any more${more}`;
    case 'unsubscribed':
      return `${id} does not let you see their presence${more}`;
    default:
      return null;
  }
}

/** Tells people of an event. It is news and not data: nothing is thrown. */
export function tellPeople(dir: string, now: number, type: string, id: string, detail: string): void {
  const text = textOf(type, id, detail);
  if (text === null) return;
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, ' ');
  try {
    appendRecord(path.join(dir, 'out'), `${stamp(process.env.SJ_STAMP, new Date(now))} -!- ${shown}\n`);
  } catch {}
}
