/**
 * What a code point may be used for: the derived properties of PRECIS (RFC 8264 section 8) and of IDNA2008 (RFC 5892
 * section 3). The general categories are those of the Unicode version that Node was built with, so a code point that
 * it does not know is refused.
 */

import { later } from '../../sys/later.ts';
import { isContextual } from './context.ts';

export type Property = 'valid' | 'contextual' | 'free' | 'disallowed';

// RFC 5892 section 2.6; its contextual exceptions are those that isContextual knows.
const EXCEPTION_VALID = /^[\u00df\u03c2\u06fd\u06fe\u0f0b\u3007]$/;
const EXCEPTION_DISALLOWED = /^[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]$/;
const OLD_HANGUL_JAMO = /^[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]$/;
const isNever = later(
  String.raw`^[\p{Cn}\p{Cs}\p{Co}\p{Cc}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]$`,
);
const isLetterDigit = later(String.raw`^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$`);
const isFree = later(String.raw`^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{S}\p{P}]$`);
// Combining marks for symbols and musical notations (RFC 5892 section 2.4).
const IGNORABLE_BLOCK = /^[\u20d0-\u20ff\u{1d100}-\u{1d1ff}\u{1d200}-\u{1d24f}]$/u;

/** The exceptions and the sets that both take alike; null where they part. */
function common(char: string): Property | null {
  if (EXCEPTION_VALID.test(char)) return 'valid';
  if (isContextual(char)) return 'contextual';
  if (EXCEPTION_DISALLOWED.test(char) || isNever(char) || OLD_HANGUL_JAMO.test(char)) return 'disallowed';
  return null;
}

/** For PRECIS: `valid` in both string classes, `free` in the FreeformClass only. */
export function precisProperty(char: string): Property {
  if (char >= '!' && char <= '~') return 'valid';
  const shared = common(char);
  if (shared !== null) return shared;
  if (char.normalize('NFKC') !== char) return 'free';
  if (isLetterDigit(char)) return 'valid';
  return isFree(char) ? 'free' : 'disallowed';
}

/** For a U-label of IDNA2008. */
export function idnaProperty(char: string): Property {
  if (char <= '~') return /^[-a-z0-9]$/.test(char) ? 'valid' : 'disallowed';
  const shared = common(char);
  if (shared !== null) return shared;
  return isLetterDigit(char) && !IGNORABLE_BLOCK.test(char) && isStable(char) ? 'valid' : 'disallowed';
}

/** Whether NFKC(casefold(NFKC(char))) is the code point itself (RFC 5892 section 2.2). */
function isStable(char: string): boolean {
  if (char.normalize('NFKC') !== char) return false;
  // JavaScript has no case folding. Upper and then lower case is the same but for Cherokee, which folds to upper case,
  // and for the dotless i.
  if (/^[\u13a0-\u13f5\u0131]$/.test(char)) return true;
  if (/^[\u13f8-\u13fd\uab70-\uabbf]$/.test(char)) return false;
  return char.toUpperCase().toLowerCase().normalize('NFKC') === char;
}
