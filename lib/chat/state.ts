/**
 * What messaged has to know when it starts again: how far it was in which session, which lines it has taken that sj has
 * not, and the last messages. It stands in the notes of the redo log.
 */
import type { Replayed } from '../store/redo.ts';
import { createDuplicates, type Duplicates, type DuplicatesState, type Mark, MOST } from './duplicates.ts';

/** A line of a contact's `in` that is to be sent. */
export type Intent = {
  readonly jid: string;
  readonly id: string;
  readonly body: string;
  readonly room: boolean;
  /** When it was read, in milliseconds since the epoch; journals of earlier versions do not tell. */
  readonly time?: number | undefined;
};

export type Position = { readonly session: string; readonly n: number };

/** What a record of the log says. */
export type Note = {
  /** The session, and the number of the last stanza that has been dealt with in it. */
  readonly s: string;
  readonly n: number;
  /** Lines that are about to be sent, and the ids of those whose fate is in what the record appends. */
  readonly i?: readonly Intent[];
  readonly d?: readonly string[];
  /** Whose directories those are whose names do not tell it. */
  readonly c?: Readonly<Record<string, string>>;
  /** Beginnings of lines that the process has read before it ended: whose, and their bytes in base64. */
  readonly b?: readonly (readonly [jid: string, bytes: string])[];
  /** The note tells everything; what was before it does not matter. */
  readonly r?: DuplicatesState;
};

export type State = {
  position: Position;
  /** By id, in the order in which they were written. */
  readonly intents: Map<string, Intent>;
  readonly recent: Duplicates;
  /** By directory: the contacts that a record has named. */
  readonly names: ReadonlyMap<string, string>;
  /** Lines that have begun, to be taken up by who starts. */
  readonly begun: readonly { readonly jid: string; readonly bytes: Buffer }[];
};

export const emptyState = (): State => ({
  position: { session: '', n: 0 },
  intents: new Map(),
  recent: createDuplicates(),
  names: new Map(),
  begun: [],
});

/** Reads the notes of a log, oldest first. */
export function createStateReader(): { record(note: unknown, appended: readonly Replayed[]): void; state(): State } {
  let position: Position = { session: '', n: 0 };
  const intents = new Map<string, Intent>();
  const names = new Map<string, string>();
  let base: { session: string; recent: DuplicatesState } = { session: '', recent: { earlier: [], now: [] } };
  let begun: NonNullable<Note['b']> = [];
  /** What was appended to logs since then. */
  let logs: { session: string; bytes: Buffer }[] = [];

  return {
    record(note, appended) {
      if (note !== undefined) {
        if (!isNote(note)) throw new TypeError('no note');
        position = { session: note.s, n: note.n };
        if (note.r !== undefined) {
          base = { session: note.s, recent: note.r };
          logs = [];
          intents.clear();
        }
        begun = note.b ?? [];
        for (const [place, jid] of Object.entries(note.c ?? {})) names.set(place, jid);
        for (const intent of note.i ?? []) intents.set(intent.id, intent);
        for (const id of note.d ?? []) intents.delete(id);
      }
      for (const { file, bytes } of appended)
        if (file.endsWith('/log')) logs.push({ session: position.session, bytes });
    },
    state() {
      const { session } = position;
      const now = marks(logs.filter((log) => log.session === session));
      const before = marks(logs.filter((log) => log.session !== session));
      const { earlier } = base.recent;
      const recent: DuplicatesState =
        base.session === session
          ? { earlier: [...earlier, ...before], now: [...base.recent.now, ...now] }
          : { earlier: [...earlier, ...base.recent.now, ...before], now };
      return {
        position,
        intents,
        names,
        begun: begun.map(([jid, bytes]) => ({ jid, bytes: Buffer.from(bytes, 'base64') })),
        recent: createDuplicates({ earlier: recent.earlier.slice(-MOST), now: recent.now.slice(-MOST) }),
      };
    },
  };
}

/** The note that makes all others unnecessary. */
export const snapshot = ({ position, intents, recent }: State): Note => ({
  s: position.session,
  n: position.n,
  i: [...intents.values()],
  r: recent.state,
});

function isNote(note: unknown): note is Note {
  if (!isRecord(note)) return false;
  const { s, n, i, d, c, b, r } = note;
  return (
    isText(s) &&
    Number.isSafeInteger(n) &&
    isListOf(i, isIntent) &&
    isListOf(d, isText) &&
    (c === undefined || (isRecord(c) && Object.values(c).every(isText))) &&
    isListOf(b, (pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText)) &&
    (r === undefined || (isRecord(r) && isListOf(r.earlier ?? null, isMark) && isListOf(r.now ?? null, isMark)))
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
/** A list, or nothing. */
const isListOf = (list: unknown, is: (value: unknown) => boolean): boolean =>
  list === undefined || (Array.isArray(list) && list.every(is));
const isIntent = (value: unknown): boolean =>
  isRecord(value) &&
  [value.jid, value.id, value.body].every(isText) &&
  typeof value.room === 'boolean' &&
  (value.time === undefined || typeof value.time === 'number');
const isMark = (value: unknown): value is Mark =>
  isRecord(value) &&
  [value.from, value.body].every(isText) &&
  [value.id, value.sid].every((id) => id === undefined || isText(id)) &&
  (value.time === undefined || value.time === null || typeof value.time === 'number') &&
  (value.unacked === undefined || typeof value.unacked === 'boolean');

/** The last messages that came, of records of logs. */
function marks(logs: readonly { bytes: Buffer }[]): Mark[] {
  const found: Mark[] = [];
  for (let i = logs.length - 1; i >= 0 && found.length < MOST; i--) {
    const lines = logs[i]!.bytes.toString().split('\n').slice(0, -1);
    for (let j = lines.length - 1; j >= 0 && found.length < MOST; j--) {
      const { dir, from, id, sid, body = '', time } = readLine(lines[j]!);
      const mark = { from, id, sid, body, time: isText(time) ? Date.parse(time) : undefined };
      if ((dir === 'in' || dir === 'error') && isMark(mark)) found.push(mark);
    }
  }
  return found.reverse();
}

function readLine(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
