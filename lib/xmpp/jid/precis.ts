/** The two PRECIS profiles that addresses are made of: UsernameCaseMapped and OpaqueString (RFC 8265). */
import { isRightToLeft, keepsBidiRule } from './bidi.ts';
import { contextOf } from './context.ts';
import { type Property, precisProperty } from './property.ts';

/** What is wrong with a text. */
export type Fault = 'empty' | 'long' | 'forbidden' | 'context' | 'direction' | 'unstable' | 'label';

/** A text that a profile does not allow. The message ends a sentence that begins with what the text is. */
export class PrecisError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, message: string) {
    super(message);
    this.fault = fault;
  }
}

const named = (char: string) => `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

/**
 * Checks every code point of a text, with its context.
 * @param allowed the properties that are good anywhere
 * @throws PrecisError forbidden, context
 */
export function checkEach(text: string, property: (char: string) => Property, allowed: readonly Property[]): void {
  const chars = Array.from(text);
  const fits = contextOf(chars);
  chars.forEach((char, at) => {
    const kind = property(char);
    if (kind === 'contextual' ? fits(at) : allowed.includes(kind)) return;
    if (kind === 'contextual') throw new PrecisError('context', `has ${named(char)} where it must not stand`);
    throw new PrecisError('forbidden', `has ${named(char)} in it`);
  });
}

/** The most octets of UTF-8 that a part of an address may have (RFC 7622 section 3.1). */
export const LIMIT = 1023;

/**
 * The length comes before all rules that look at each code point.
 * @throws PrecisError long
 */
export function checkLength(text: string): void {
  if (text.length > LIMIT || Buffer.byteLength(text) > LIMIT)
    throw new PrecisError('long', `is longer than ${LIMIT} octets`);
}

/** Full-width and half-width code points as those that they are a form of. */
export const mapWidth = (text: string): string => text.replace(/[\uff01-\uffef]/g, (char) => char.normalize('NFKC'));

function username(text: string): string {
  const narrow = mapWidth(text);
  const name = narrow.toLowerCase().normalize('NFC');
  checkLength(name);
  checkEach(narrow, precisProperty, ['valid']);
  checkEach(name, precisProperty, ['valid']);
  if (isRightToLeft(name) && !keepsBidiRule(name)) throw new PrecisError('direction', 'mixes directions of writing');
  return name;
}

function opaque(text: string): string {
  const string = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  checkLength(string);
  checkEach(string, precisProperty, ['valid', 'free']);
  return string;
}

// A text that changes again when it is enforced again has no normal form (RFC 8264 section 7).
const settled = (enforce: (text: string) => string) => (text: string) => {
  const once = enforce(text);
  if (once === '') throw new PrecisError('empty', 'is empty');
  if (enforce(once) !== once) throw new PrecisError('unstable', 'has no normal form');
  return once;
};

/** Enforces UsernameCaseMapped (RFC 8265 section 3.3). @throws PrecisError */
export const usernameCaseMapped = settled(username);

/** Enforces OpaqueString (RFC 8265 section 4.2). @throws PrecisError */
export const opaqueString = settled(opaque);
