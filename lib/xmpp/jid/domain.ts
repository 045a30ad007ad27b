/**
 * Domainparts: names whose labels are U-labels of IDNA2008 or ASCII, and IP literals (RFC 7622 section 3.2). Node's
 * domainToASCII is made for URLs: it maps, cuts and repairs what it is given. Here it only translates labels that have
 * been judged, and what it makes must translate back.
 */

import { isIPv6 } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { later } from '../../sys/later.ts';
import { isRightToLeft, keepsBidiRule } from './bidi.ts';
import { checkEach, checkLength, mapWidth, PrecisError } from './precis.ts';
import { idnaProperty } from './property.ts';

const LABEL_LIMIT = 63;
const bad = (message: string) => new PrecisError('label', message);

/**
 * The normal form of a domainpart: mapped as RFC 5895 has it (width, lower case, NFC), A-labels as U-labels, no dot at
 * the end. Beyond RFC 7622 it takes an ASCII label with `_`, or with `--` where IDNA reserves it, since both are in use.
 * @throws PrecisError
 */
export function domainpart(text: string): string {
  if (text === '') throw new PrecisError('empty', 'is empty');
  if (text.startsWith('[')) return ipLiteral(text);
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  checkLength(mapCase(name));
  const labels = name.split('.').map(normalLabel);
  checkDirection(labels);
  return labels.join('.');
}

/** One label from right to left brings all of a domain under the Bidi Rule (RFC 5893 section 2). */
function checkDirection(labels: readonly string[]): void {
  if (labels.some(isRightToLeft) && !labels.every(keepsBidiRule)) {
    throw new PrecisError('direction', 'mixes directions of writing');
  }
}

function ipLiteral(text: string): string {
  const address = text.slice(1, -1);
  if (!text.endsWith(']') || !/^[0-9A-Fa-f:.]+$/.test(address) || !isIPv6(address)) throw bad('is no IPv6 address');
  return domainToASCII(text);
}

/** Code point by code point: a sigma at the end of a label is no final sigma. */
const mapCase = (text: string): string =>
  Array.from(mapWidth(text), (char) => char.toLowerCase())
    .join('')
    .normalize('NFC');

function normalLabel(text: string): string {
  const label = mapCase(text);
  if (label === '') throw bad('has an empty label');
  if (label.startsWith('-') || label.endsWith('-')) throw bad('has a label with a hyphen at an end');
  if (/^[\x00-\x7f]*$/.test(label)) {
    if (label.startsWith('xn--')) return fromAce(label);
    const stray = /[^-a-z0-9_]/.exec(label);
    if (stray) checkEach(stray[0], idnaProperty, []);
    if (label.length > LABEL_LIMIT) throw bad('has a label of more than 63 octets');
    return label;
  }
  checkULabel(label);
  if (domainToUnicode(toAce(label)) !== label) throw bad('has a label that is no U-label');
  return label;
}

function fromAce(ace: string): string {
  const label = domainToUnicode(ace);
  if (label === '' || /^[\x00-\x7f]*$/.test(label)) throw bad('has a label that is no A-label');
  checkULabel(label);
  if (toAce(label) !== ace) throw bad('has a label that is no A-label');
  return label;
}

const beginsWithMark = later(String.raw`^\p{M}`);

/** @throws PrecisError for what RFC 5891 section 4.2 does not allow in a label, where it stands alone */
function checkULabel(label: string): void {
  checkEach(label, idnaProperty, ['valid']);
  if (label.startsWith('--', 2)) throw bad('has a label with two hyphens in its third and fourth place');
  if (beginsWithMark(label)) throw bad('has a label that begins with a combining mark');
  checkDirection([label]);
}

function toAce(label: string): string {
  const ace = domainToASCII(label);
  if (!ace.startsWith('xn--') || ace.length > LABEL_LIMIT) throw bad('has a label that DNS cannot hold');
  return ace;
}
