/** The log `events`: what happened, a line each, for front ends that watch one file. */
import path from 'node:path';
import { appendRecord } from './append.ts';

export type EventType =
  | 'online'
  | 'offline'
  | 'new'
  | 'message'
  | 'presence'
  | 'subscribe'
  | 'subscribed'
  | 'unsubscribe'
  | 'unsubscribed'
  | 'receipt'
  | 'error';

const field = (text: string) =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, ' ');

/** One event as a line: time in seconds since the epoch, type, bare JID or `-`, detail, separated by TABs. */
export const eventLine = (now: number, type: EventType, id: string, detail: string): string =>
  `${(now / 1000).toFixed(3)}\t${type}\t${field(id) || '-'}\t${field(detail)}\n`;

/**
 * Writes an event. It is news and not data: if it can't be written, what it tells of has happened all the same, so
 * nothing is thrown.
 */
export function logEvent(dir: string, type: EventType, id: string, detail = ''): void {
  try {
    appendRecord(path.join(dir, 'events'), eventLine(Date.now(), type, id, detail));
  } catch {}
}
