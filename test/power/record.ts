/** What recorder.cjs has written down, and what of it a power failure at some moment may have left on the disk. Pure. */
import type { Random } from '../crash/random.ts';

type Op = { readonly at: number } & (
  | { op: 'open'; handle: string; path: string; ino: number; dir: boolean; created: boolean; truncated: boolean }
  | { op: 'write'; handle: string; data: string }
  | { op: 'truncate'; handle: string; length: number }
  | { op: 'sync'; handle: string; sync: string }
  | { op: 'synced'; sync: string }
  | { op: 'rename' | 'link'; from: string; to: string }
  | { op: 'unlink' | 'mkdir'; path: string }
  | { op: 'say' | 'told'; text: string }
);

type Change = { at: number; data: Buffer } | { at: number; length: number };
type File = { ino: number; made: number; changes: Change[]; durable: number };
type Entry = { at: number; apply: (tree: Map<string, File | 'dir'>) => void };

/** Files, and directories, by path. */
export type Left = {
  readonly files: ReadonlyMap<string, { bytes: Buffer; ino: number }>;
  readonly dirs: readonly string[];
};

/** Reads the lines of a record; one that was being written when its program was killed is skipped. */
export function readRecord(lines: readonly string[]): Op[] {
  return lines.flatMap((line, at) => {
    try {
      return [{ ...JSON.parse(line), at } as Op];
    } catch {
      return [];
    }
  });
}

/** What was said on stderr before that moment. */
export const saidBefore = (ops: readonly Op[], cut: number): string[] =>
  ops.flatMap((op) => (op.op === 'say' && op.at < cut ? op.text.split('\n').filter((line) => line !== '') : []));

/** What the server was told before that moment. */
export const toldBefore = (ops: readonly Op[], cut: number): string =>
  ops.map((op) => (op.op === 'told' && op.at < cut ? op.text : '')).join('');

/**
 * How much order a disk keeps. `ordered`: what was not synced is there up to some moment, in all files, as with the
 * journals of ext4 and XFS. `any`: of each file by itself there is more or less of it.
 */
export type Model = 'ordered' | 'any';

/**
 * What is left after a failure before the operation number `cut`. Of each file there is what was synced, and some of what
 * was written since then, the last piece perhaps torn. Names appear, change and go in the order in which they did, up to
 * some point after the last sync of a directory, or of a file that was new.
 */
export function leftAfter(ops: readonly Op[], cut: number, model: Model, random: Random): Left {
  const { entries, files, settled } = replay(ops, cut);
  const point = pointAfter(entries, settled, random);
  const tree = new Map<string, File | 'dir'>();
  for (const { at, apply } of entries) if (at < point) apply(tree);
  const contents = new Map<File, Buffer>();
  const moment = model === 'any' ? null : momentBefore(cut, random);
  for (const file of files) contents.set(file, remains(file, moment, random));
  const left = new Map<string, { bytes: Buffer; ino: number }>();
  const dirs: string[] = [];
  for (const [path, what] of tree) {
    if (what === 'dir') dirs.push(path);
    else left.set(path, { bytes: contents.get(what)!, ino: what.ino });
  }
  return { files: left, dirs };
}

/** Of what may or may not be there: none, all, or up to some entry. */
function pointAfter(entries: readonly Entry[], settled: number, random: Random): number {
  const open = entries.filter(({ at }) => at >= settled);
  const how = random.below(3);
  if (how === 0 || open.length === 0) return settled;
  return (how === 1 ? open.at(-1)! : random.pick(open)).at + 1;
}

function replay(ops: readonly Op[], cut: number) {
  const now = new Map<string, File | 'dir'>();
  const entries: Entry[] = [];
  const files = new Set<File>();
  const handles = new Map<string, File | 'dir'>();
  const syncs = new Map<string, { at: number; of: File | 'dir' }>();
  let settled = 0;
  const enter = (at: number, apply: Entry['apply']) => {
    apply(now);
    entries.push({ at, apply });
  };

  for (const op of ops) {
    if (op.at >= cut) break;
    const { at } = op;
    if (op.op === 'open') {
      if (op.dir) handles.set(op.handle, 'dir');
      else {
        let file = now.get(op.path);
        if (file === undefined || file === 'dir') {
          const made: File = { ino: op.ino, made: at, changes: [], durable: at };
          files.add(made);
          enter(at, (tree) => void tree.set(op.path, made));
          file = made;
        }
        if (op.truncated) file.changes.push({ at, length: 0 });
        handles.set(op.handle, file);
      }
    } else if (op.op === 'write' || op.op === 'truncate') {
      const file = handles.get(op.handle);
      if (file === undefined || file === 'dir') continue;
      file.changes.push(op.op === 'write' ? { at, data: Buffer.from(op.data, 'base64') } : { at, length: op.length });
    } else if (op.op === 'sync') {
      const of = handles.get(op.handle);
      if (of !== undefined) syncs.set(op.sync, { at, of });
    } else if (op.op === 'synced') {
      const sync = syncs.get(op.sync);
      if (sync === undefined) continue;
      if (sync.of === 'dir') settled = Math.max(settled, sync.at);
      else {
        sync.of.durable = Math.max(sync.of.durable, sync.at);
        // Nobody syncs a file that is not there: its name comes along.
        settled = Math.max(settled, sync.of.made + 1);
      }
    } else if (op.op === 'rename') {
      enter(at, (tree) => {
        const what = tree.get(op.from);
        if (what === undefined) return;
        tree.delete(op.from);
        tree.set(op.to, what);
      });
    } else if (op.op === 'link') {
      enter(at, (tree) => {
        const what = tree.get(op.from);
        if (what !== undefined) tree.set(op.to, what);
      });
    } else if (op.op === 'unlink') enter(at, (tree) => void tree.delete(op.path));
    else if (op.op === 'mkdir') enter(at, (tree) => void tree.set(op.path, 'dir'));
  }
  return { entries, files, settled };
}

/** Mostly not long before the failure, where there is something that is not synced. */
const momentBefore = (cut: number, random: Random): number =>
  Math.max(0, cut - random.below(random.chance(0.2) ? 1000 : 20));

/**
 * What is on the disk of a file: what was synced, and a part of what came after.
 * @param moment everything until then, and a part of what came next; null: it may be anything
 */
function remains({ changes, durable }: File, moment: number | null, random: Random): Buffer {
  const safe = changes.filter(({ at }) => at < durable);
  const open = changes.filter(({ at }) => at >= durable);
  const how = moment === null ? random.below(3) : 2;
  const count = moment === null ? random.below(open.length + 1) : open.filter(({ at }) => at < moment).length;
  const some = how === 0 ? [] : how === 1 ? open : open.slice(0, count);
  let parts: Buffer[] = [];
  for (const change of [...safe, ...some]) {
    if ('data' in change) parts.push(change.data);
    else parts = [Buffer.concat(parts).subarray(0, change.length)];
  }
  const next = open[some.length];
  const torn = moment === null ? how === 2 : next?.at === moment;
  if (torn && next !== undefined && 'data' in next) parts.push(next.data.subarray(0, random.below(next.data.length)));
  return Buffer.concat(parts);
}
