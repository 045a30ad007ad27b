/**
 * The one strict reading of XML in this suite. It takes bytes, and one element at the head of them, and either refuses
 * them or says where the element ends; told to, it builds the tree on its way. `sj` judges with it what comes from the
 * server and from `in`; the daemons read with the same code, so nobody sees other borders than `sj` did.
 *
 * Refused is what XML 1.0 and Namespaces in XML forbid, and what RFC 6120 section 11.1 takes away from them: comments,
 * processing instructions, document types, and entities but the five. The tree is free of prefixes: an element's
 * `xmlns` attribute stands where its namespace differs from its parent's.
 */
import { isUtf8 } from 'node:buffer';
import { Element } from 'ltx';
import { expand, XmlError } from './chars.ts';
import { memo } from './memo.ts';
import { beginsStanza, cdata, fail, qname, same, seen, space, text, value } from './scan.ts';

export const CLIENT_NS = 'jabber:client';
const XML_NS = 'http://www.w3.org/XML/1998/namespace';
const XMLNS_NS = 'http://www.w3.org/2000/xmlns/';

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
} = { canonical: true, name: '', ns: '', tree: null };

// The element being read. Reading is synchronous and not re-entrant, so one set of these serves all.
let options: ReadOptions;
let buf: Buffer;
let end = 0;
let depth = 0;
const nameFrom: number[] = [];
const nameTo: number[] = [];
/** By depth: the default namespace within the element, and the element's own. */
const defaults: string[] = [];
const own: string[] = [];
let attributes = 0;
/** Whether the tag being read has a colon in a name of its own or of an attribute; whether it ends its element. */
let prefixed = false;
let empty = false;
const attrFrom: number[] = [];
const attrColon: number[] = [];
const attrTo: number[] = [];
const valueFrom: number[] = [];
const valueTo: number[] = [];
const valuePlain: boolean[] = [];
/** The prefixes declared within the element, as they are now; and what each declaration has hidden, innermost last. */
const prefixes = new Map<string, string>();
const hidden: { readonly prefix: string; readonly uri: string | undefined; readonly depth: number }[] = [];
let current: Element | null = null;
let pending = '';

const decode = (from: number, to: number) => buf.toString('utf8', from, to);

/** Any literal white space in a value is a space (XML 1.0 section 3.3.3); a referenced one stays. */
const unfold = (bytes: Buffer, from: number, to: number) =>
  expand(bytes.toString('utf8', from, to).replace(/\r\n|[\r\n\t]/g, ' '));

const nameOf = memo((bytes, from, to) => bytes.toString('utf8', from, to));
const namespaceOf = memo(unfold);

/** A run of character data as the tree holds it: line ends are line feeds (XML 1.0 section 2.11). */
const normalize = (run: string) => (run.includes('\r') ? run.replace(/\r\n?/g, '\n') : run);

const isXmlns = (at: number, to: number) =>
  to - at === 5 &&
  buf[at] === 0x78 &&
  buf[at + 1] === 0x6d &&
  buf[at + 2] === 0x6c &&
  buf[at + 3] === 0x6e &&
  buf[at + 4] === 0x73;

const isXml = (at: number, to: number) =>
  to - at === 3 && buf[at] === 0x78 && buf[at + 1] === 0x6d && buf[at + 2] === 0x6c;

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
  depth = 0;
  if (hidden.length > 0) hidden.length = 0;
  if (prefixes.size > 0) prefixes.clear();
  current = null;
  pending = '';
  seen.high = seen.odd = false;
  found.canonical = true;
  found.tree = null;
  defaults[0] = how.scope.defaultNs;
  own[0] = CLIENT_NS;
  let i = start;
  do {
    const lead = i + 1 < end ? buf[i + 1]! : -1;
    if (lead < 0) i = -1;
    else if (lead === 0x2f /* / */) i = endTag(i + 2);
    else if (lead === 0x21 /* ! */ && depth > 0) i = cdataSection(i + 1);
    else if (lead === 0x21 || lead === 0x3f)
      throw new XmlError('restricted-xml', 'a comment, processing instruction or document type', i + 1);
    else i = startTag(i);
    if (i < 0) return -1;
    if (depth > 0) {
      const from = i;
      i = text(buf, i, end);
      if (i < 0) return -1;
      if (how.build && i > from)
        pending += seen.plain ? buf.toString('latin1', from, i) : expand(normalize(decode(from, i)));
    }
  } while (depth > 0);
  if (seen.high && !isUtf8(buf.subarray(start, i)))
    throw new XmlError('unsupported-encoding', 'bytes that are not UTF-8', i);
  if (seen.odd) found.canonical = false;
  return i;
}

function cdataSection(i: number): number {
  const after = cdata(buf, i, end);
  if (options.build && after > 0) pending += normalize(decode(i + 8, after - 3));
  return after;
}

function flushText(): void {
  if (pending !== '') current!.children.push(pending);
  pending = '';
}

function leave(): void {
  if (options.build) current = current!.parent;
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
  if (options.build) flushText();
  leave();
  return i + 1;
}

function startTag(tag: number): number {
  if (depth === options.depth)
    throw new XmlError('policy-violation', `elements nested deeper than ${options.depth}`, tag);
  if (options.cut && depth > 0 && defaults[depth] === CLIENT_NS && beginsStanza(buf, tag, end)) {
    const close = buf.indexOf(0x3e, tag);
    if (close < 0 || close >= end) return -1;
    if (!decode(tag, close).includes(' xmlns')) fail('a stanza within a stanza: the outer one was not finished', tag);
  }
  const from = tag + 1;
  let i = qname(buf, from, end);
  if (i < 0) return -1;
  const colon = seen.colon;
  const to = i;
  prefixed = colon >= 0;
  depth++;
  nameFrom[depth] = from;
  nameTo[depth] = to;
  defaults[depth] = defaults[depth - 1]!;
  i = attributeList(i);
  if (i < 0) return -1;
  own[depth] = prefixed ? namespaces(from, colon) : defaults[depth]!;
  if (depth === 1) {
    found.name = nameOf(buf, colon < 0 ? from : colon + 1, to);
    found.ns = own[1]!;
  }
  if (options.build) open(colon < 0 ? from : colon + 1, to);
  if (empty) leave();
  return i;
}

/** The attributes and the end of a start tag. */
function attributeList(i: number): number {
  attributes = 0;
  for (;;) {
    const gap = i;
    i = space(buf, i, end);
    if (i === end) return -1;
    const byte = buf[i]!;
    if (byte === 0x3e || byte === 0x2f) {
      if (i !== gap) seen.odd = true;
      empty = byte === 0x2f;
      if (!empty) return i + 1;
      if (i + 1 === end) return -1;
      return buf[i + 1] === 0x3e ? i + 2 : fail('a / within a tag', i + 1);
    }
    if (i === gap) fail('attributes that are not set apart', i);
    if (i - gap !== 1 || buf[gap] !== 0x20) seen.odd = true;
    if (attributes === options.attributes)
      throw new XmlError('policy-violation', `more than ${options.attributes} attributes`, i);
    i = attribute(i);
    if (i < 0) return -1;
  }
}

function attribute(from: number): number {
  const to = qname(buf, from, end);
  if (to < 0) return -1;
  const colon = seen.colon;
  if (colon >= 0 && !isXml(from, colon)) prefixed = true;
  let i = space(buf, to, end);
  if (i === end) return -1;
  if (buf[i] !== 0x3d) fail('an attribute without a value', i);
  i = space(buf, i + 1, end);
  if (i === end) return -1;
  const quote = buf[i]!;
  if (quote !== 0x27 && quote !== 0x22) fail('a value without quotes', i);
  if (quote === 0x22 || i !== to + 1) seen.odd = true;
  const close = value(buf, i + 1, end, quote);
  if (close < 0) return -1;
  for (let a = 0; a < attributes; a++) {
    if (attrTo[a]! - attrFrom[a]! === to - from && same(buf, attrFrom[a]!, from, to - from))
      fail('an attribute twice', from);
  }
  attrFrom[attributes] = from;
  attrColon[attributes] = colon;
  attrTo[attributes] = to;
  valueFrom[attributes] = i + 1;
  valueTo[attributes] = close;
  valuePlain[attributes] = seen.plain;
  if (colon < 0 && isXmlns(from, to)) {
    const ns = namespaceOf(buf, valueFrom[attributes]!, valueTo[attributes]!);
    if (ns === XML_NS || ns === XMLNS_NS) fail('a reserved namespace as the default', from);
    defaults[depth] = ns;
  }
  attributes++;
  return close + 1;
}

/** Takes in the prefixes that the tag declares and looks up those it uses; returns the element's own namespace. */
function namespaces(from: number, colon: number): string {
  for (let a = 0; a < attributes; a++) {
    if (attrColon[a]! < 0 || !isXmlns(attrFrom[a]!, attrColon[a]!)) continue;
    const prefix = decode(attrColon[a]! + 1, attrTo[a]!);
    const uri = namespaceOf(buf, valueFrom[a]!, valueTo[a]!);
    if (uri === '' || prefix === 'xmlns' || uri === XMLNS_NS || (prefix === 'xml') !== (uri === XML_NS)) {
      fail('a namespace declaration that is not allowed', attrFrom[a]!);
    }
    hidden.push({ prefix, uri: prefixes.get(prefix), depth });
    prefixes.set(prefix, uri);
    found.canonical = false;
  }
  const names = new Set<string>();
  for (let a = 0; a < attributes; a++) {
    if (attrColon[a]! < 0 || isXmlns(attrFrom[a]!, attrColon[a]!)) continue;
    const prefix = decode(attrFrom[a]!, attrColon[a]!);
    const name = `${lookup(prefix, attrFrom[a]!)} ${decode(attrColon[a]! + 1, attrTo[a]!)}`;
    if (names.has(name)) fail('an attribute twice', attrFrom[a]!);
    names.add(name);
    if (prefix !== 'xml') found.canonical = false;
  }
  if (colon < 0) return defaults[depth]!;
  const prefix = decode(from, colon);
  if (prefix === 'xmlns') fail('an element with the prefix xmlns', from);
  found.canonical = false;
  return lookup(prefix, from);
}

function Attributes() {}
Attributes.prototype = Object.create(null);

/** Adds the element of the tag just read to the tree. */
function open(localFrom: number, to: number): void {
  const element = new Element(nameOf(buf, localFrom, to));
  // An attribute may have any name, `__proto__` too.
  element.attrs = new (Attributes as unknown as new () => Record<string, string>)();
  if (own[depth] !== own[depth - 1]) element.attrs.xmlns = own[depth]!;
  for (let a = 0; a < attributes; a++) {
    const colon = attrColon[a]!;
    if (isXmlns(attrFrom[a]!, colon < 0 ? attrTo[a]! : colon)) continue;
    element.attrs[nameOf(buf, attrFrom[a]!, attrTo[a]!)] = valuePlain[a]
      ? buf.toString('latin1', valueFrom[a]!, valueTo[a]!)
      : unfold(buf, valueFrom[a]!, valueTo[a]!);
    if (colon < 0) continue;
    const prefix = decode(attrFrom[a]!, colon);
    if (prefix !== 'xml') element.attrs[`xmlns:${prefix}`] = lookup(prefix, colon);
  }
  if (current === null) found.tree = element;
  else {
    flushText();
    element.parent = current;
    current.children.push(element);
  }
  current = element;
}
