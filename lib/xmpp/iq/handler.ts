/** Where the handler of a namespace is: in the account's own `ext`, or among those that are shipped. */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { extName } from '../../tree/names.ts';

export type Handler = {
  readonly kind: 'program' | 'fifo' | 'file';
  readonly path: string;
  /** It came with this package; else it is the user's own. */
  readonly shipped?: boolean;
};

/** Something stands where the handler would be, and it can't be one. */
export type Unfit = { readonly kind: 'unfit'; readonly path: string; readonly why: string };

/**
 * The handler for a namespace, which comes from the network and so is only ever one name within one of two directories.
 * What stands in the account's own `ext` hides what is shipped, even if it is no handler: a link to /dev/null there
 * turns a shipped one off. Of the shipped ones only programs count, so that nothing is ever written among them.
 * @returns null if nobody answers for the namespace
 */
export function findHandler(own: string, shipped: string, ns: string): Handler | Unfit | null {
  const name = extName(ns);
  if (name === null) return null;
  const mine = look(join(own, name));
  if (mine !== null) return mine;
  const theirs = look(join(shipped, name));
  return theirs?.kind === 'program' ? { ...theirs, shipped: true } : null;
}

function look(path: string): Handler | Unfit | null {
  try {
    fs.lstatSync(path);
  } catch {
    return null;
  }
  const unfit = (why: string): Unfit => ({ kind: 'unfit', path, why });
  try {
    const stat = fs.statSync(path);
    if (stat.isFIFO()) return { kind: 'fifo', path };
    if (stat.isCharacterDevice()) return unfit('');
    if (!stat.isFile()) return unfit('neither a program nor a file nor a FIFO');
    if (executable(path)) return { kind: 'program', path };
    // Somebody forgot chmod. Stanzas must not be added to it: the next run would execute them.
    if (begins(path, '#!')) return unfit('a script that is not executable');
    return { kind: 'file', path };
  } catch (error) {
    return unfit(error instanceof Error ? error.message : String(error));
  }
}

function executable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function begins(path: string, head: string): boolean {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(head.length);
    return fs.readSync(fd, buffer, 0, buffer.length, 0) === buffer.length && buffer.toString('latin1') === head;
  } finally {
    fs.closeSync(fd);
  }
}

/** Where the shipped handlers are: where the environment says, else `../ext` beside the running program's real file. */
export function shippedDirectory(env: string | undefined, program: string): string {
  if (env !== undefined && env !== '') return env;
  return join(dirname(fs.realpathSync(program)), '..', 'ext');
}
