/** The log `events`: what happened, a line each, for front ends that watch one file. */
import fs from 'node:fs';
import path from 'node:path';
import { appendRecord } from '../sys/append.ts';
import { tellPeople } from './account-out.ts';

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

/** How often, in milliseconds, to look how large the file is. */
const LOOK = 1000;

export type Gate = {
  /**
   * @param now a monotonic clock in milliseconds
   * @returns what may be appended in the place of the line: the line itself, or with a last word, or nothing
   */
  pass(line: string, now: number): string;
};

/**
 * Lets lines through until a file is full, and again when somebody has made room.
 * @param most bytes from which it is full
 * @param size how large it is now
 * @param last the line that tells that it is
 */
export function createGate(most: number, size: () => number, last: () => string): Gate {
  let looked = Number.NEGATIVE_INFINITY;
  let bytes = 0;
  return {
    pass(line, now) {
      if (now - looked >= LOOK) {
        looked = now;
        bytes = size();
      }
      if (bytes >= most) return '';
      bytes += Buffer.byteLength(line);
      return bytes < most ? line : line + last();
    },
  };
}

let most = Number.POSITIVE_INFINITY;
const gates = new Map<string, Gate>();

/** Sets how large `events` may become by this process, in bytes. */
export function limitEvents(bytes: number): void {
  most = bytes;
  gates.clear();
}

/** Bytes of a file; none if that can't be told: writing tells why. */
function sizeOf(file: string): number {
  try {
    return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    return 0;
  }
}

/** An event as `eventLine`, which people are told in `out`; nothing if the file in this directory is full: then nothing else is affected. */
export function newEvent(dir: string, type: EventType, id: string, detail: string): string {
  let gate = gates.get(dir);
  if (gate === undefined) {
    const file = path.join(dir, 'events');
    const size = () => sizeOf(file);
    const full = `no more events: this file has ${most} bytes, and whoever makes room gets the next ones`;
    gate = createGate(most, size, () => eventLine(Date.now(), 'error', '', full));
    gates.set(dir, gate);
  }
  const now = Date.now();
  const line = gate.pass(eventLine(now, type, id, detail), performance.now());
  if (line !== '') tellPeople(dir, now, type, id, detail);
  return line;
}

/**
 * Writes an event. It is news and not data: if it can't be written, what it tells of has happened all the same, so
 * nothing is thrown.
 */
export function logEvent(dir: string, type: EventType, id: string, detail = ''): void {
  try {
    const line = newEvent(dir, type, id, detail);
    if (line !== '') appendRecord(path.join(dir, 'events'), line);
  } catch {}
}
