/** What was written into a contact's `in` before that was a FIFO: a plain file, which is put aside, read and removed. */
import fs from 'node:fs';
import path from 'node:path';
import type { Lines } from '../sys/lines.ts';

/** Where what was written into `in` before it was a FIFO waits to be sent. */
export const ASIDE = '.in.early';

/** Bytes of it that are sent: who writes more must wait for the FIFO, which makes writers wait. */
const MOST_ASIDE = 1_048_576;

/** `mkdir bob; echo hi > bob/in` can be quicker than we are: then `in` is a plain file. @returns whether it was one */
export function setAside(place: string): boolean {
  const file = path.join(place, 'in');
  if (!isFile(file)) return false;
  const aside = path.join(place, ASIDE);
  if (isFile(aside)) {
    fs.appendFileSync(aside, readSmall(file));
    fs.unlinkSync(file);
  } else fs.renameSync(file, aside);
  return true;
}

const isFile = (file: string): boolean => fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;

/** @throws if it is too large */
function readSmall(file: string): Buffer {
  if (fs.statSync(file).size > MOST_ASIDE) throw new Error(`it has more than ${MOST_ASIDE} bytes`);
  return fs.readFileSync(file);
}

/** Reads what was put aside, by whomever. */
export function readAside(place: string, lines: Lines): void {
  const aside = path.join(place, ASIDE);
  // Hardly anybody has one, and to ask so costs half.
  if (!fs.existsSync(aside) || !isFile(aside)) return;
  lines.push(readSmall(aside));
  lines.flush();
  fs.unlinkSync(aside);
}
