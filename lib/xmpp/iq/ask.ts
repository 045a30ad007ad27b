/** Asking something through the account directory, as a script would: an iq into `in`, its answer from `ID`. */

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import type { Element } from 'ltx';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { errno, reason } from '../../sys/errno.ts';
import { openOutlet } from '../../sys/outlet.ts';
import { printable } from '../../sys/printable.ts';
import { XmlError } from '../../xml/chars.ts';
import { CLIENT_NS } from '../../xml/read.ts';
import { parseElement } from '../../xml/tree.ts';
import { canonical } from '../../xml/write.ts';
import { STANZA_ERROR_NS } from '../ns.ts';

import { namespace } from './request.ts';

/** An id that nobody can guess: `roster-6f1e…`. */
export const newId = (program: string): string => `${program}-${randomBytes(16).toString('hex')}`;

/** How long to wait for an answer, and how often to look where nothing tells us that it is there, in milliseconds. */
const LIMIT = 30_000;
const LOOK = 250;

/** The answer is an error. */
export class Refused extends Fatal {
  /** Its condition (RFC 6120 section 8.3.3); undefined if it has none. */
  readonly condition: string | undefined;

  constructor(error: Element | undefined) {
    const children = error?.getChildElements().filter((child) => namespace(child) === STANZA_ERROR_NS) ?? [];
    const condition = children.find(({ name }) => name !== 'text')?.name;
    const said = children
      .find(({ name }) => name === 'text')
      ?.getText()
      .trim();
    super(
      error?.attrs.type === 'wait' ? EXIT.temporary : EXIT.usage,
      printable((condition ?? 'an error without a condition') + (said ? `: ${said}` : '')),
    );
    this.condition = condition;
  }
}

/**
 * Sends an iq get or set and returns its result. The answer's file is removed.
 * @param dir the account directory
 * @param iq the stanza, with an id of `newId`
 * @throws Fatal 111 if sj is not running, nothing is answered in time, or the error says to try later (its type is
 *   `wait`); 100 for any other error, because the same question will not get another answer; 76 if the answer is none
 */
export async function ask(dir: string, iq: Element, limit = LIMIT): Promise<Element> {
  const id = iq.attrs.id!;
  const answer = expect(dir, id, limit);
  try {
    await send(join(dir, 'in'), canonical(iq), limit);
    return read(await answer.text, id);
  } finally {
    answer.close();
  }
}

/** Puts a line into `in`. A sj that has stopped reading is not waited for longer than for an answer. */
async function send(path: string, line: string, limit: number): Promise<void> {
  const outlet = openOutlet(path);
  const fate = new Promise<Error | null>((resolve) => outlet.send(line, resolve));
  await outlet.end(limit);
  const failure = await fate;
  if (failure === null) return;
  const off = ['ENXIO', 'ENOENT', 'EPIPE'].includes(errno(failure));
  throw new Fatal(EXIT.temporary, `cannot write ${path}: ${off ? 'sj is not running' : reason(failure)}`);
}

/** Waits for the file `id`, from before the question is asked. */
function expect(dir: string, id: string, limit: number): { text: Promise<Buffer>; close: () => void } {
  const path = join(dir, id);
  let close = () => {};
  const text = new Promise<Buffer>((resolve, reject) => {
    const look = () => {
      try {
        resolve(fs.readFileSync(path));
        fs.unlinkSync(path);
      } catch (error) {
        if (errno(error) !== 'ENOENT') reject(error);
      }
    };
    // It appears by rename, so what can be seen is whole. The watch makes it quick, the clock makes it sure.
    const watcher = watch(dir, (name) => name === id && look());
    const clock = setInterval(look, LOOK);
    const end = setTimeout(() => reject(new Fatal(EXIT.temporary, `no answer within ${limit / 1000} s`)), limit);
    close = () => {
      watcher?.close();
      clearInterval(clock);
      clearTimeout(end);
    };
  });
  text.catch(() => {}); // It may fail while the question is still on its way.
  return { text, close };
}

function watch(dir: string, seen: (name: string | null) => void): fs.FSWatcher | null {
  try {
    const watcher = fs.watch(dir, (_, name) => seen(name));
    watcher.on('error', () => {});
    return watcher;
  } catch {
    return null; // No directory, which sending will tell, or no more watches, which needs no word.
  }
}

function read(text: Buffer, id: string): Element {
  const answer = parse(text);
  const { type } = answer.attrs;
  const isIq = answer.name === 'iq' && namespace(answer) === CLIENT_NS;
  if (!isIq || answer.attrs.id !== id || (type !== 'result' && type !== 'error')) {
    throw new Fatal(EXIT.protocol, 'the answer is none to this question');
  }
  if (type === 'result') return answer;
  throw new Refused(answer.getChildren('error').find((child) => namespace(child) === CLIENT_NS));
}

function parse(text: Buffer): Element {
  try {
    return parseElement(text.toString());
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new Fatal(EXIT.protocol, `the answer cannot be read: ${error.message}`);
  }
}
