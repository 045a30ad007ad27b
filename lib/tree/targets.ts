/** The files that what was said goes into: of each contact `log` and `out`, and `events`; and what waits for them. */
import path from 'node:path';
import { createShare, type Share } from '../store/collect.ts';
import type { Seen } from '../store/fd-cache.ts';
import { dirName, isCutName } from './names.ts';

/** What waits for one file: the bytes that could not be written, and what came after. */
export type Pending = Share & { readonly name: string; readonly file: string; rest: Buffer | null; seen: Seen };

export type Target = {
  /** Empty: it is `events`. */
  readonly contact: string;
  /** Its directory, if that does not tell whose it is. */
  readonly place: string | null;
  /** In the order in which they are written. */
  readonly files: readonly Pending[];
  dirty: boolean;
};

export type Targets = {
  of(contact: string): Target;
  /** Something waits for it. */
  touch(target: Target): void;
  /** Those that something waits for. */
  readonly dirty: readonly Target[];
  /** The files of these. */
  shares(): Iterable<Pending>;
  /** Whose the directories of these are, by name, where the name does not tell it. */
  names(): Readonly<Record<string, string>> | null;
  /** Leaves dirty only those for which something could not be written. */
  settle(): void;
};

/** So many contacts are remembered that nothing waits for. */
const MOST_IDLE = 32_768;

export function createTargets(dir: string): Targets {
  const targets = new Map<string, Target>();
  let dirty: Target[] = [];

  const pending = (name: string): Pending => ({
    ...createShare(),
    name,
    file: path.join(dir, name),
    rest: null,
    seen: null,
  });

  function make(contact: string): Target {
    const place = contact === '' ? '' : dirName(contact);
    // The whole record first: from it the other could be made again.
    const files = contact === '' ? [pending('events')] : [pending(`${place}/log`), pending(`${place}/out`)];
    return { contact, place: isCutName(place) ? place : null, files, dirty: false };
  }

  return {
    of(contact) {
      const known = targets.get(contact);
      if (known !== undefined) return known;
      if (targets.size > MOST_IDLE)
        for (const [name, { dirty }] of targets) if (!dirty && name !== '') targets.delete(name);
      const target = make(contact);
      targets.set(contact, target);
      return target;
    },
    touch(target) {
      if (target.dirty) return;
      target.dirty = true;
      dirty.push(target);
    },
    get dirty() {
      return dirty;
    },
    *shares() {
      for (const { files } of dirty) yield* files;
    },
    names() {
      const cut = dirty.filter(({ place }) => place !== null);
      return cut.length === 0 ? null : Object.fromEntries(cut.map(({ place, contact }) => [place, contact]));
    },
    settle() {
      for (const target of dirty) target.dirty = target.files.some(({ rest }) => rest !== null);
      dirty = dirty.filter(({ dirty }) => dirty);
    },
  };
}
