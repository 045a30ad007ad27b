import type { Element } from 'ltx';
import { XmlError } from './chars.ts';
import { CLIENT_SCOPE, found, read, type Scope } from './read.ts';

/** Of memory and of the stack. Who wants less has looked before. */
const MOST = { depth: 1000, attributes: 2001 };

/**
 * The tree of one whole element, by the strict reading of `read.ts`; white space around it is allowed.
 * @throws XmlError if it is anything else
 */
export function parseElement(text: string | Buffer, scope: Scope = CLIENT_SCOPE): Element {
  const whole = typeof text === 'string' ? Buffer.from(text.trim()) : text;
  if (whole[0] !== 0x3c) throw new XmlError('not-well-formed', 'no element', 0);
  const after = read(whole, 0, whole.length, {
    scope,
    build: true,
    cut: false,
    ...MOST,
  });
  if (after < 0) throw new XmlError('not-well-formed', 'an element that does not end', whole.length);
  if (after < whole.length) throw new XmlError('not-well-formed', 'something after the element', after);
  return found.tree!;
}
