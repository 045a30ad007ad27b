/**
 * What a program learns in a session of some kind, kept for the process that goes on with the session: values by group
 * and name, and how far the program has come. It is a file of lines with checksums, each of them JSON, written so that every
 * prefix of it makes sense:
 *
 *     {"session":ID,"boot":ID}   a session began, and nothing is known
 *     ["group","name",value]     a value, in the place of an earlier one
 *     ["group","name"]           there is none any more
 *     ["group"]                  nor is there any of the group
 *     17                         everything through number 17 is in the lines above
 *
 * What a power failure may have taken away is not trusted: nothing is known after another boot, nor where a line is
 * spoilt, since nobody can say what stood there.
 */
import { bootId } from '../sys/boot.ts';
import { openSpool, type Spool } from './spool.ts';

export type Known = {
  /** The values by group and name, the latest last. Nothing but JSON is sure about them: a disk may spoil what it keeps. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  /** Numbers up to this one have been dealt with. */
  readonly through: number;
};

export type Notes = {
  /** What was known of the session; null if it is a new one. */
  readonly known: Known | null;
  /** To be written down with the next `write`. */
  set(group: string, name: string, value: unknown): void;
  remove(group: string, name: string): void;
  clear(group: string): void;
  /** Lines of the file were spoilt, so nothing of it counts; it is kept as `NAME.spoilt`. */
  readonly spoilt: boolean;
  /** Writes down everything since the last time, with one write. @throws on failure; then the next time does it */
  write(through?: number): void;
  /** Characters that are to be written. */
  readonly pending: number;
  close(): void;
};

/** Bytes from which the file is looked at whether most of it is of the past. */
const LARGE = 1_048_576;

/**
 * Opens the notes of a session.
 * @param resumed whether it is an earlier session that goes on; else what there is is forgotten
 * @throws on failure
 */
export function openNotes(file: string, session: string, resumed: boolean, large = LARGE): Notes {
  const head = { session, boot: bootId() };
  const before = createReader();
  const spool: Spool = openSpool(file, before.line);
  const { spoilt } = spool;
  if (spoilt > 0) spool.putAside();
  const same = spoilt === 0 && resumed && before.session === session && before.boot === head.boot;
  const known = same ? before.known() : null;
  /** Lines that are to be written. */
  let text = '';
  let told = known?.through ?? Number.NEGATIVE_INFINITY;
  /** Bytes there were when it was last rewritten. */
  let live = 0;
  try {
    if (!same) spool.rewrite(line(head));
    else if (spool.old) spool.rewrite(summary(head, before.known()));
  } catch (error) {
    spool.close();
    throw error;
  }

  function tidy(): void {
    const reader = createReader();
    try {
      spool.read(reader.line);
      spool.rewrite(summary(head, reader.known()));
    } catch {
      // It is only large.
    }
    live = spool.size;
  }

  return {
    known,
    spoilt: spoilt > 0,
    set(group, name, value) {
      text += line([group, name, value]);
    },
    remove(group, name) {
      text += line([group, name]);
    },
    clear(group) {
      text += line([group]);
    },
    write(through) {
      const news = through !== undefined && through > told;
      if (text === '' && !news) return;
      spool.append(news ? text + line(through) : text);
      text = '';
      if (news) told = through;
      if (spool.size > large && spool.size > 2 * live) tidy();
    },
    get pending() {
      return text.length;
    },
    close: spool.close,
  };
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

function summary(head: object, { groups, through }: Known): string {
  const lines = [line(head)];
  for (const [group, names] of groups) for (const [name, value] of names) lines.push(line([group, name, value]));
  if (Number.isFinite(through)) lines.push(line(through));
  return lines.join('');
}

/** Reads the lines; one that is none of them is skipped. */
function createReader() {
  let session: unknown;
  let boot: unknown;
  let groups = new Map<string, Map<string, unknown>>();
  let through = Number.NEGATIVE_INFINITY;

  function change([group, name, ...value]: unknown[]): void {
    if (typeof group !== 'string') return;
    if (name === undefined) return void groups.delete(group);
    if (typeof name !== 'string') return;
    const names = groups.get(group) ?? new Map<string, unknown>();
    names.delete(name);
    if (value.length > 0) names.set(name, value[0]);
    if (names.size > 0) groups.set(group, names);
    else groups.delete(group);
  }

  return {
    line(text: Buffer): void {
      let value: unknown;
      try {
        value = JSON.parse(text.toString());
      } catch {
        return;
      }
      if (Array.isArray(value)) change(value);
      else if (Number.isSafeInteger(value)) through = Number(value);
      else if (typeof value === 'object' && value !== null && 'session' in value && 'boot' in value) {
        ({ session, boot } = value);
        groups = new Map();
        through = Number.NEGATIVE_INFINITY;
      }
    },
    get session() {
      return session;
    },
    get boot() {
      return boot;
    },
    known: (): Known => ({ groups, through }),
  };
}
