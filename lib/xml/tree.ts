import type { Element } from 'ltx';
import { XmlError } from './chars.ts';
import { CLIENT_SCOPE, found, read, type Scope } from './read.ts';

/** Of memory and of the stack. Who wants less has looked before. */
const MOST = { depth: 1000, attributes: 2001 };

/**
 * The canonical text of one whole element, made without its tree.
 * @param most how many bytes it may have
 * @returns null if it has more
 * @throws XmlError
 */
export function recast(whole: Buffer, scope: Scope, most: number): Buffer | null {
  read(whole, 0, whole.length, { scope, build: false, cut: false, most, ...MOST });
  return found.text;
}

/**
 * Hands over the children of an element's children one by one, so that no more than one of them is in memory.
 * @throws XmlError
 */
export function eachGrandchild(whole: Buffer, scope: Scope, take: (element: Element, parent: Element) => void): void {
  const shed = (element: Element) => take(element, element.parent!);
  read(whole, 0, whole.length, { scope, build: true, cut: false, shed, ...MOST });
}

/**
 * The tree of one whole element, by the strict reading of `read.ts`; white space around it is allowed.
 * @param elements how many of them the tree may have; those beyond are left out
 * @throws XmlError if it is anything else
 */
export function parseElement(
  text: string | Buffer,
  scope: Scope = CLIENT_SCOPE,
  elements = Number.POSITIVE_INFINITY,
): Element {
  const whole = typeof text === 'string' ? Buffer.from(text.trim()) : text;
  if (whole[0] !== 0x3c) throw new XmlError('not-well-formed', 'no element', 0);
  const after = read(whole, 0, whole.length, {
    scope,
    build: true,
    cut: false,
    elements,
    ...MOST,
  });
  if (after < 0) throw new XmlError('not-well-formed', 'an element that does not end', whole.length);
  if (after < whole.length) throw new XmlError('not-well-formed', 'something after the element', after);
  return found.tree!;
}
