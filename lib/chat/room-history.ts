/**
 * What a room says again when it is joined again. A message of its history is known by the id that the room gave it, or
 * by sender, id, text and time together; what was heard live has our time, which may be a little different.
 */
import path from 'node:path';
import { dirName } from '../tree/names.ts';
import { lastRecords } from '../tree/tail.ts';

type Said = {
  readonly from: string;
  readonly id?: string | undefined;
  readonly sid?: string | undefined;
  readonly subject?: string | undefined;
  readonly body: string;
  /** In milliseconds. */
  readonly time: number;
};

export type History = {
  /** Whether it stands in the log already. @param delayed whether the room says that it is not new */
  repeats(room: string, said: Said, delayed: boolean): boolean;
  add(room: string, said: Said): void;
  forget(room: string): void;
};

/** Bytes of a log that are looked at, and how many messages of a room are remembered. */
const TAIL = 1_048_576;
const MOST = 2000;
const ROOMS = 100;

/** Clocks differ by so much, in milliseconds. */
const SKEW = 30_000;

type Index = Map<string, number[]>;

const key = ({ from, id = '', subject = '', body }: Said): string => JSON.stringify([from, id, subject, body]);

export function createRoomHistory(dir: string): History {
  const rooms = new Map<string, { sids: Set<string>; said: Index; topic: string }>();

  function remember(index: { sids: Set<string>; said: Index; topic: string }, said: Said): void {
    if (said.sid !== undefined) index.sids.add(said.sid);
    if (said.subject !== undefined && said.body === '') index.topic = said.subject;
    const same = index.said.get(key(said));
    if (same !== undefined) same.push(said.time);
    else index.said.set(key(said), [said.time]);
    if (index.said.size > MOST) index.said.delete(index.said.keys().next().value!);
    if (index.sids.size > MOST) index.sids.delete(index.sids.keys().next().value!);
  }

  function of(room: string) {
    const known = rooms.get(room);
    if (known !== undefined) return known;
    const index = { sids: new Set<string>(), said: new Map<string, number[]>(), topic: '' };
    for (const { dir: way, from = '', time = '', body = '', id, sid, subject } of lastRecords(
      path.join(dir, dirName(room), 'log'),
      TAIL,
    ))
      if (way === 'in') remember(index, { from, id, sid, subject, body, time: Date.parse(time) });
    if (rooms.size >= ROOMS) rooms.delete(rooms.keys().next().value!);
    rooms.set(room, index);
    return index;
  }

  return {
    repeats(room, said, delayed) {
      const index = of(room);
      // A room tells its subject to each who comes.
      if (said.subject !== undefined && said.body === '') return said.subject === index.topic;
      if (!delayed) return false;
      if (said.sid !== undefined && index.sids.has(said.sid)) return true;
      const skew = said.id === undefined ? 0 : SKEW;
      return (index.said.get(key(said)) ?? []).some((time) => Math.abs(time - said.time) <= skew);
    },
    add: (room, said) => remember(of(room), said),
    forget: (room) => void rooms.delete(room),
  };
}
