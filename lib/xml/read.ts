/**
 * The one strict reading of XML in this suite. It takes bytes, and one element at the head of them, and either refuses
 * them or says where the element ends; told to, it builds the tree on its way. `sj` judges with it what comes from the
 * server and from `in`; the daemons read with the same code, so nobody sees other borders than `sj` did.
 *
 * Refused is what XML 1.0 and Namespaces in XML forbid, and what RFC 6120 section 11.1 takes away from them: comments,
 * processing instructions, document types, and entities but the five.
 *
 * This is where sj spends its time, so it makes no objects on its way. It must be bundled to be fast: between modules
 * that are not, each use of a table is a call.
 */
import { isUtf8 } from 'node:buffer';
import type { Element } from 'ltx';
import { begin, built, close, literal, open, text as takeText } from './build.ts';
import { XmlError } from './chars.ts';
import { beginText, writeClose, writeLiteral, writeOpen, writeText, writtenText } from './recast.ts';
import { beginsStanza, cdata, fail, seen, space, text } from './scan.ts';
import {
  attrColon,
  attrFrom,
  attrKind,
  attrTo,
  DECLARATION,
  declared,
  nameOf,
  PREFIXED,
  startTag,
  tag,
  XML_NS,
  XMLNS_NS,
} from './tag.ts';

export const CLIENT_NS = 'jabber:client';

/** What the element stands in: the namespaces that the stream's header declared. */
export type Scope = { readonly defaultNs: string; readonly prefixes: ReadonlyMap<string, string> };

export const CLIENT_SCOPE: Scope = { defaultNs: CLIENT_NS, prefixes: new Map() };

export type ReadOptions = {
  readonly scope: Scope;
  /** How deep elements may nest; the element itself is at depth 1. */
  readonly depth: number;
  /** How many attributes one element may have. */
  readonly attributes: number;
  /** Build the tree. */
  readonly build: boolean;
  /** How many elements the tree may have; of what is beyond only the root's first child of each name is in it. */
  readonly elements?: number;
  /** Takes each child of the root's children when it is whole, out of the tree. */
  readonly shed?: ((element: Element) => void) | undefined;
  /** Write the canonical text, of so many bytes at most. */
  readonly most?: number;
  /** Leaves out of the tree those of its root's children whose namespace nobody wants. */
  readonly wants?: ((ns: string) => boolean) | undefined;
  /**
   * For local input: where a stanza seems to begin within another one, a writer stopped half way. Refused with `at` at
   * the inner one's first byte. A stanza that is forwarded names its namespace and is none of these.
   */
  readonly cut: boolean;
};

/** What the last call of `read` found. One object, used again: copy what you keep. */
export const found: {
  /** Fit to be handed on as it came: one line, single quotes, no prefixes, no CDATA. */
  canonical: boolean;
  /** The element's name without its prefix, and its namespace. */
  name: string;
  ns: string;
  tree: Element | null;
  /** The canonical text, if it was asked for; null also if it is too long. */
  text: Buffer | null;
} = { canonical: true, name: '', ns: '', tree: null, text: null };

// The element being read. Reading is synchronous and not re-entrant, so one set of these serves all.
let options: ReadOptions;
let buf: Buffer;
let end = 0;
let depth = 0;
/** The depth of the element that is left out of the tree, with all that is in it; 0 if none is. */
let left = 0;
/** How many elements are in the tree, and may be. */
let kept = 0;
let most = 0;
/** Names of children of the root that are in the tree though it has enough, and how many there may be. */
const late = new Set<string>();
const MOST_LATE = 64;
let writes = false;
const nameFrom: number[] = [];
const nameTo: number[] = [];
/** By depth: the default namespace within the element, and the element's own. */
const defaults: string[] = [];
const own: string[] = [];
/** The prefixes declared within the element, as they are now; and what each declaration has hidden, innermost last. */
const prefixes = new Map<string, string>();
const hidden: { readonly prefix: string; readonly uri: string | undefined; readonly depth: number }[] = [];

function lookup(prefix: string, at: number): string {
  if (prefix === 'xml') return XML_NS;
  return prefixes.get(prefix) ?? options.scope.prefixes.get(prefix) ?? fail('a prefix that is not declared', at);
}

/**
 * Reads one element that begins with the `<` at `start`.
 * @returns the index after its end, or -1 if the buffer ends before the element does
 * @throws XmlError
 */
export function read(bytes: Buffer, start: number, to: number, how: ReadOptions): number {
  buf = bytes;
  end = to;
  options = how;
  depth = left = kept = 0;
  most = how.elements ?? Number.POSITIVE_INFINITY;
  writes = how.most !== undefined;
  if (hidden.length > 0) hidden.length = 0;
  if (prefixes.size > 0) prefixes.clear();
  if (late.size > 0) late.clear();
  seen.high = seen.odd = false;
  found.canonical = true;
  found.tree = found.text = null;
  defaults[0] = how.scope.defaultNs;
  own[0] = CLIENT_NS;
  if (how.build) begin(bytes);
  if (writes) beginText(bytes, how.most!);
  let i = start;
  do {
    const lead = i + 1 < end ? buf[i + 1]! : -1;
    if (lead < 0) i = -1;
    else if (lead === 0x2f /* / */) i = endTag(i + 2);
    else if (lead === 0x21 /* ! */ && depth > 0) i = cdataSection(i + 1);
    else if (lead === 0x21 || lead === 0x3f)
      throw new XmlError('restricted-xml', 'a comment, processing instruction or document type', i + 1);
    else i = enter(i);
    if (i < 0) return -1;
    if (depth > 0) {
      const from = i;
      i = text(buf, i, end);
      if (i < 0) return -1;
      if (i > from) {
        if (how.build && left === 0) takeText(from, i, seen.plain);
        if (writes) writeText(from, i);
      }
    }
  } while (depth > 0);
  if (seen.high && !isUtf8(buf.subarray(start, i)))
    throw new XmlError('unsupported-encoding', 'bytes that are not UTF-8', i);
  if (seen.odd) found.canonical = false;
  if (how.build) found.tree = built();
  if (writes) found.text = writtenText();
  return i;
}

function cdataSection(i: number): number {
  const after = cdata(buf, i, end);
  if (options.build && after > 0 && left === 0) literal(i + 8, after - 3);
  if (writes && after > 0) writeLiteral(i + 8, after - 3);
  return after;
}

function leave(): void {
  if (left === depth) left = 0;
  else if (options.build && left === 0) close(depth === 3 ? options.shed : undefined);
  if (writes) writeClose();
  while (hidden.length > 0 && hidden.at(-1)!.depth === depth) {
    const { prefix, uri } = hidden.pop()!;
    if (uri === undefined) prefixes.delete(prefix);
    else prefixes.set(prefix, uri);
  }
  depth--;
}

function endTag(i: number): number {
  if (depth === 0) fail('an end tag without its start tag', i - 2);
  const from = nameFrom[depth]!;
  const length = nameTo[depth]! - from;
  const here = Math.min(length, end - i);
  for (let j = 0; j < here; j++) if (buf[from + j] !== buf[i + j]) fail('an end tag that does not match', i + j);
  if (here < length) return -1;
  i += length;
  const gap = i;
  i = space(buf, i, end);
  if (i === end) return -1;
  if (buf[i] !== 0x3e) fail('an end tag that does not match', i);
  if (i !== gap) seen.odd = true;
  leave();
  return i + 1;
}

/** The start tag that begins with the `<` at `at`. */
function enter(at: number): number {
  if (depth === options.depth)
    throw new XmlError('policy-violation', `elements nested deeper than ${options.depth}`, at, true);
  if (options.cut && depth > 0 && defaults[depth] === CLIENT_NS && beginsStanza(buf, at, end)) {
    const bracket = buf.indexOf(0x3e, at);
    if (bracket < 0 || bracket >= end) return -1;
    if (!buf.toString('latin1', at, bracket).includes(' xmlns'))
      fail('a stanza within a stanza: the outer one was not finished', at);
  }
  const after = startTag(buf, at + 1, end, options.attributes);
  if (after < 0) return -1;
  depth++;
  nameFrom[depth] = tag.from;
  nameTo[depth] = tag.to;
  const ns = tag.defaultNs ?? defaults[depth - 1]!;
  defaults[depth] = ns;
  own[depth] = tag.prefixed ? resolve(ns) : ns;
  if (depth === 1) {
    found.name = nameOf(buf, tag.colon < 0 ? tag.from : tag.colon + 1, tag.to);
    found.ns = own[1]!;
  }
  if (depth === 2 && options.wants?.(own[2]!) === false) left = 2;
  if (options.build && left === 0) {
    if (++kept > most && !isFirst()) left = depth;
    else open(xmlnsHere(), lookup);
  }
  if (writes) writeOpen(xmlnsHere(), lookup);
  if (tag.empty) leave();
  return after;
}

const xmlnsHere = () => (own[depth] === own[depth - 1] ? null : own[depth]!);

/** Whether the element is the root's child, and the first of its name beyond what the tree may have. */
function isFirst(): boolean {
  if (depth !== 2) return false;
  const name = nameOf(buf, tag.from, tag.to);
  if (late.size === MOST_LATE || late.has(name)) return false;
  late.add(name);
  return true;
}

/** Takes in the prefixes that the tag declares and looks up those it uses; returns the element's own namespace. */
function resolve(defaultNs: string): string {
  for (let a = 0; a < tag.attributes; a++) {
    if (attrKind[a] !== DECLARATION || attrColon[a]! < 0) continue;
    const prefix = nameOf(buf, attrColon[a]! + 1, attrTo[a]!);
    const uri = declared(buf, a);
    if (uri === '' || prefix === 'xmlns' || uri === XMLNS_NS || (prefix === 'xml') !== (uri === XML_NS)) {
      throw new XmlError('not-well-formed', 'a namespace declaration that is not allowed', attrFrom[a]!, true);
    }
    hidden.push({ prefix, uri: prefixes.get(prefix), depth });
    prefixes.set(prefix, uri);
  }
  const names = new Set<string>();
  for (let a = 0; a < tag.attributes; a++) {
    if (attrKind[a] !== PREFIXED) continue;
    const uri = lookup(nameOf(buf, attrFrom[a]!, attrColon[a]!), attrFrom[a]!);
    const name = `${uri} ${nameOf(buf, attrColon[a]! + 1, attrTo[a]!)}`;
    if (names.has(name)) fail('an attribute twice', attrFrom[a]!);
    names.add(name);
  }
  found.canonical = false;
  if (tag.colon < 0) return defaultNs;
  const prefix = nameOf(buf, tag.from, tag.colon);
  if (prefix === 'xmlns') fail('an element with the prefix xmlns', tag.from);
  return lookup(prefix, tag.from);
}
