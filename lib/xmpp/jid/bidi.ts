/**
 * The Bidi Rule of RFC 5893 section 2. It does not tell R from AL, nor ES, CS, ET, ON and BN from each other, so six
 * classes do; and what PRECIS and IDNA have let through so far has so few of them that ranges are enough.
 */
import { later } from '../../sys/later.ts';

/** Blocks whose code points are R or AL, by default even those that are not assigned yet. */
const RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const ARABIC_NUMBER = /[\u0660-\u0669\u066b\u066c\u{10d30}-\u{10d39}\u{10e60}-\u{10e7e}]/u;
const EUROPEAN_NUMBER = /[0-9\u06f0-\u06f9]/;
const LEFT_MARK = /[\u0cbf\u0cc6\u{11a07}\u{11a08}\u{11c3f}]/u;
const isMark = later(String.raw`[\p{Mn}\p{Me}]`);
/** ASCII punctuation, the joiners, and the few letters and contextual code points that have no direction. */
const NEUTRAL =
  /[!-/:-@[-`{-~\u00b7\u02b9\u02ba\u02c6-\u02cf\u02ec\u0374\u0375\u200c-\u200d\u2e2f\u30fb\ua67f\ua717-\ua71f\ua788]/;

type BidiClass = 'L' | 'R' | 'A' | 'E' | 'M' | 'N';

function bidiClass(char: string): BidiClass {
  if (EUROPEAN_NUMBER.test(char)) return 'E';
  if (ARABIC_NUMBER.test(char)) return 'A';
  if (NEUTRAL.test(char)) return 'N';
  if (isMark(char) && !LEFT_MARK.test(char)) return 'M';
  return RIGHT.test(char) ? 'R' : 'L';
}

const classes = (text: string): string => Array.from(text, bidiClass).join('');

/** Whether a text has right-to-left code points (R, AL or AN), so that the rule applies to it. */
export const isRightToLeft = (text: string): boolean => RIGHT.test(text) && /[RA]/.test(classes(text));

/** Whether a text, or a label of a domain that has right-to-left code points anywhere, keeps the Bidi Rule. */
export function keepsBidiRule(text: string): boolean {
  const all = classes(text);
  let last = all.length - 1;
  while (all[last] === 'M') last--;
  const end = all[last] ?? '';
  if (all[0] === 'R') return !all.includes('L') && 'RAE'.includes(end) && !(all.includes('A') && all.includes('E'));
  return all[0] === 'L' && !/[RA]/.test(all) && 'LE'.includes(end);
}
