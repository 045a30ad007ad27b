/** The log `events`: what happened, a line each, for front ends that watch one file. */
import fs from 'node:fs';
import path from 'node:path';
import { appendRecord } from '../sys/append.ts';
import { tellPeople } from './account-out.ts';
import { createGate, type Gate } from './event-gate.ts';
import { type Friends, openFriends } from './newcomers.ts';

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

function gateOf(dir: string): Gate {
  let gate = gates.get(dir);
  if (gate !== undefined) return gate;
  const file = path.join(dir, 'events');
  const note = (text: string) => eventLine(Date.now(), 'error', '', text);
  gate = createGate({
    most,
    size: () => sizeOf(file),
    full: () => note(`no more events: this file has ${most} bytes, and whoever makes room gets the next ones`),
    leftOut: (count) => note(`events of people who are not in the roster are left out: ${count}`),
  });
  gates.set(dir, gate);
  return gate;
}

const rosters = new Map<string, Friends>();

/** Whether somebody is in the roster. */
function isFriend(dir: string, id: string): boolean {
  let roster = rosters.get(dir);
  if (roster === undefined) rosters.set(dir, (roster = openFriends(dir)));
  return roster.has(id);
}

/**
 * An event as `eventLine`, which people are told in `out`; nothing if the file in this directory is full, or has enough
 * of strangers: then nothing else is affected.
 * @param known whether the user knows who it is about; if it is not given, who is in the roster is known
 */
export function newEvent(dir: string, type: EventType, id: string, detail: string, known?: boolean): string {
  const now = Date.now();
  const line = eventLine(now, type, id, detail);
  const { text, passed } = gateOf(dir).pass(line, known ?? (id === '' || isFriend(dir, id)), performance.now());
  if (passed) tellPeople(dir, now, type, id, detail);
  return text;
}

/**
 * Writes an event. It is news and not data: if it can't be written, what it tells of has happened all the same, so
 * nothing is thrown.
 */
export function logEvent(dir: string, type: EventType, id: string, detail = '', known?: boolean): void {
  try {
    const line = newEvent(dir, type, id, detail, known);
    if (line !== '') appendRecord(path.join(dir, 'events'), line);
  } catch {}
}
