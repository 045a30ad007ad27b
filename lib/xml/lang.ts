/** Of texts in several languages, which one a person reads (RFC 6120 section 8.1.5, RFC 6121 section 5.2.3). */
import type { Element } from 'ltx';

const LANG = 'xml:lang';

/**
 * The text in the language of the stanza: one without a mark inherits it. Where there is none of that, the first.
 * @param lang the language of the stanza, or else of the stream
 */
export function inLanguage(texts: readonly Element[], lang: string | undefined): Element | undefined {
  if (texts.length < 2) return texts[0];
  const plain = texts.find(({ attrs }) => attrs[LANG] === undefined || attrs[LANG] === '');
  if (plain !== undefined || !lang) return plain ?? texts[0];
  const wanted = lang.toLowerCase();
  const base = baseOf(wanted);
  const of = ({ attrs }: Element) => (attrs[LANG] ?? '').toLowerCase();
  return texts.find((text) => of(text) === wanted) ?? texts.find((text) => baseOf(of(text)) === base) ?? texts[0];
}

/** `de` of `de-AT` (RFC 5646). */
const baseOf = (tag: string): string => tag.split('-', 1)[0]!;
