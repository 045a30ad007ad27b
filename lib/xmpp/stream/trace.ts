import { printable } from '../../sys/printable.ts';
import { expand } from '../../xml/chars.ts';
import type { Piece } from '../../xml/split.ts';

/** Shows what is sent and received, one line a stanza, with whatever is secret blotted out. */
export type Trace = (direction: 'sent' | 'recv', what: string | Piece) => void;

/** A trace for stderr, or one that does nothing. */
export function createTrace(on: boolean, write: (line: string) => void): Trace {
  if (!on) return () => {};
  return (direction, what) => {
    const text = typeof what === 'string' ? what : what.buf.toString('utf8', what.start, what.end);
    write(`${direction}: ${printable(blot(text))}`);
  };
}

const BLOT = '(secret)';

/**
 * Elements whose content is nobody's business, whatever their prefix and namespace: SASL (RFC 6120 section 6, XEP-0388),
 * jabber:iq:register, jabber:iq:auth, rooms, bookmarks.
 */
const SECRET = new Set(
  'auth response challenge success authenticate initial-response additional-data password digest token'.split(' '),
);
/** Fields of forms (XEP-0004) and headers (XEP-0363) that hold a secret. */
const SECRET_FIELD =
  /\s(?:type|var|name)\s*=\s*(?:"[^"]*?|'[^']*?)(?:text-private|pass|secret|token|authorization|cookie)/i;
const SECRET_ATTRIBUTE = /(\s(?:[^\s=:'"<>]+:)?(?:password|secret|token)\s*=\s*)(?:"[^"]*"|'[^']*')/g;

/** A text of whole elements, or of the stream's own tags, without the secrets in it. */
function blot(text: string): string {
  let shown = '';
  /** How many elements are open from the secret one on. */
  let depth = 0;
  let i = 0;
  for (;;) {
    const lt = text.indexOf('<', i);
    if (depth === 0) shown += text.slice(i, lt < 0 ? undefined : lt);
    if (lt < 0) break;
    if (text.startsWith('<![CDATA[', lt)) {
      const close = text.indexOf(']]>', lt);
      i = close < 0 ? text.length : close + 3;
      if (depth === 0) shown += text.slice(lt, i);
      continue;
    }
    i = afterTag(text, lt);
    const tag = text.slice(lt, i);
    if (depth === 0) {
      shown += tag.replace(SECRET_ATTRIBUTE, `$1'${BLOT}'`);
      if (opens(tag) && isSecret(tag)) depth = 1;
    } else {
      if (tag.startsWith('</')) depth--;
      else if (opens(tag)) depth++;
      if (depth === 0) shown += BLOT + tag;
    }
  }
  return depth === 0 ? shown : shown + BLOT;
}

const opens = (tag: string) => !tag.startsWith('</') && !tag.endsWith('/>');

function isSecret(tag: string): boolean {
  const name = /^<(?:[^\s:/>]*:)?([^\s:/>]*)/.exec(tag)![1]!;
  if (SECRET.has(name)) return true;
  return (name === 'field' || name === 'header') && SECRET_FIELD.test(expand(tag));
}

/** The index after the tag that begins at `at`; of one that does not end, the end of the text. */
function afterTag(text: string, at: number): number {
  let quote = '';
  for (let i = at; i < text.length; i++) {
    const char = text[i]!;
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '>') return i + 1;
    else if (char === "'" || char === '"') quote = char;
  }
  return text.length;
}
