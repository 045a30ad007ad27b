/** The contextual rules of RFC 5892 appendix A: code points that are good or bad by what stands around them. */
import { later } from '../../sys/later.ts';
import { isTransparent, JOINS_LEFT, JOINS_RIGHT, VIRAMA } from './tables.ts';

const CONTEXTUAL = /^[\u00b7\u0375\u05f3\u05f4\u200c-\u200d\u30fb\u0660-\u0669\u06f0-\u06f9]$/;

const isGreek = later(String.raw`^\p{Script=Greek}`);
const isHebrew = later(String.raw`^\p{Script=Hebrew}`);
const isJapanese = later(String.raw`^[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]`);

/** Whether a code point has a rule here (CONTEXTJ and CONTEXTO). */
export const isContextual = (char: string): boolean => CONTEXTUAL.test(char);

/**
 * The rules for one text.
 * @returns whether the contextual code point at an index stands where its rule allows it; what a rule asks of the whole
 * text is found out once
 */
export function contextOf(chars: readonly string[]): (at: number) => boolean {
  const japanese = once(() => chars.some(isJapanese));
  const arabic = once(() => chars.some((char) => /^[\u0660-\u0669]$/.test(char)));
  const persian = once(() => chars.some((char) => /^[\u06f0-\u06f9]$/.test(char)));
  return (at) => {
    const before = chars[at - 1];
    switch (chars[at]) {
      case '\u200c': // ZERO WIDTH NON-JOINER
        return VIRAMA(before) || breaksJoin(chars, at);
      case '\u200d': // ZERO WIDTH JOINER
        return VIRAMA(before);
      case '\u00b7': // MIDDLE DOT
        return before === 'l' && chars[at + 1] === 'l';
      case '\u0375': // GREEK LOWER NUMERAL SIGN
        return isGreek(chars[at + 1] ?? '');
      case '\u05f3': // HEBREW PUNCTUATION GERESH
      case '\u05f4': // HEBREW PUNCTUATION GERSHAYIM
        return isHebrew(before ?? '');
      case '\u30fb': // KATAKANA MIDDLE DOT
        return japanese();
      default: // the two sets of Arabic digits do not mix
        return !(arabic() && persian());
    }
  };
}

function once(find: () => boolean): () => boolean {
  let known: boolean | undefined;
  return () => (known ??= find());
}

/** Whether the letters on both sides of a non-joiner would join without it. */
function breaksJoin(chars: readonly string[], at: number): boolean {
  let left = at - 1;
  while (isTransparent(chars[left])) left--;
  let right = at + 1;
  while (isTransparent(chars[right])) right++;
  return JOINS_LEFT(chars[left]) && JOINS_RIGHT(chars[right]);
}
