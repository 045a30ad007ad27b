/**
 * The tree of the element that `read` reads, built on its way. It is free of prefixes but `xml`: an element's `xmlns`
 * attribute stands where its namespace differs from its parent's.
 */
import { Element } from 'ltx';
import { expand } from './chars.ts';
import {
  attrColon,
  attrFrom,
  attrKind,
  attrTo,
  DECLARATION,
  nameOf,
  PREFIXED,
  tag,
  unfold,
  valueFrom,
  valuePlain,
  valueTo,
} from './tag.ts';

let buf: Buffer;
let root: Element | null = null;
let current: Element | null = null;
/** Character data that has no end yet: CDATA and text are one. */
let pending = '';

/** An attribute may have any name, `__proto__` too. An object of a class is smaller and faster than one without any. */
function Attributes() {}
Attributes.prototype = Object.create(null);
const newAttributes = Attributes as unknown as new () => Record<string, string>;

/** A new tree begins; its element is in `bytes`. */
export function begin(bytes: Buffer): void {
  buf = bytes;
  root = current = null;
  pending = '';
}

/** A span that is ASCII, and stands for itself. */
const plain = (from: number, to: number): string => buf.toString('latin1', from, to);

/** A run of character data: line ends are line feeds (XML 1.0 section 2.11). */
function decode(from: number, to: number): string {
  const run = buf.toString('utf8', from, to);
  return run.includes('\r') ? run.replace(/\r\n?/g, '\n') : run;
}

/**
 * Adds the element of the start tag just read.
 * @param xmlns its namespace, or null if that is its parent's
 * @param lookup what a prefix stands for
 */
export function open(xmlns: string | null, lookup: (prefix: string, at: number) => string): void {
  // No element can make that namespace its default.
  const reserved = tag.colon >= 0 && nameOf(buf, tag.from, tag.colon) === 'xml';
  const element = new Element(nameOf(buf, tag.colon < 0 || reserved ? tag.from : tag.colon + 1, tag.to));
  const attrs = new newAttributes();
  if (xmlns !== null && !reserved) attrs.xmlns = xmlns;
  for (let a = 0; a < tag.attributes; a++) {
    const kind = attrKind[a]!;
    if (kind === DECLARATION) continue;
    const [from, to] = [valueFrom[a]!, valueTo[a]!];
    attrs[nameOf(buf, attrFrom[a]!, attrTo[a]!)] = valuePlain[a] ? plain(from, to) : unfold(buf, from, to);
    if (kind !== PREFIXED) continue;
    const prefix = nameOf(buf, attrFrom[a]!, attrColon[a]!);
    attrs[`xmlns:${prefix}`] = lookup(prefix, attrColon[a]!);
  }
  element.attrs = attrs;
  if (current === null) root = element;
  else {
    flush();
    element.parent = current;
    current.children.push(element);
  }
  current = element;
}

/** Text, with references if it is not plain. */
export function text(from: number, to: number, isPlain: boolean): void {
  pending += isPlain ? plain(from, to) : expand(decode(from, to));
}

/** What is in a CDATA section. */
export function literal(from: number, to: number): void {
  pending += decode(from, to);
}

/** The end of the element that was opened last. @param shed takes it, if given, out of the tree */
export function close(shed?: (element: Element) => void): void {
  flush();
  const done = current!;
  current = done.parent;
  if (shed === undefined) return;
  // What stands between such children is nobody's, either.
  current!.children.length = 0;
  shed(done);
}

/** The tree, once its element has ended. */
export const built = (): Element => root!;

function flush(): void {
  if (pending !== '') current!.children.push(pending);
  pending = '';
}
