/**
 * A start tag as it is written: its name, its attributes, whether it is the whole element. What the prefixes in it mean
 * is not looked at. What was read is left in `tag` and in the columns, one set for all, because a tag is done with
 * before the next one is read.
 */
import { expand, XmlError } from './chars.ts';
import { memo } from './memo.ts';
import { fail, qname, same, seen, space, value } from './scan.ts';

export const XML_NS = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS_NS = 'http://www.w3.org/2000/xmlns/';

export const tag = {
  /** The name's first byte, its colon or -1, and what follows it. */
  from: 0,
  colon: -1,
  to: 0,
  /** Whether the tag ends its own element. */
  empty: false,
  /** How many attributes it has, declarations too. */
  attributes: 0,
  /** The default namespace that it declares, or null. */
  defaultNs: null as string | null,
  /** Whether anything in it has a prefix, other than an attribute the prefix `xml`. */
  prefixed: false,
};

/** By number of the attribute: its name, its colon or -1; its value between the quotes; see `seen.plain`. */
export const attrFrom: number[] = [];
export const attrColon: number[] = [];
export const attrTo: number[] = [];
export const valueFrom: number[] = [];
export const valueTo: number[] = [];
export const valuePlain: boolean[] = [];
/** What kind it is: an attribute (of the prefix `xml`, too), a declaration, or an attribute of another prefix. */
export const attrKind: number[] = [];
export const ORDINARY = 0;
export const DECLARATION = 1;
export const PREFIXED = 2;

/** Any literal white space in a value is a space (XML 1.0 section 3.3.3); a referenced one stays. */
export const unfold = (buf: Buffer, from: number, to: number): string =>
  expand(buf.toString('utf8', from, to).replace(/\r\n|[\r\n\t]/g, ' '));

export const nameOf = memo((buf, from, to) => buf.toString('utf8', from, to));
const namespaceOf = memo(unfold);

/** The namespace that an attribute declares. */
export const declared = (buf: Buffer, a: number): string => namespaceOf(buf, valueFrom[a]!, valueTo[a]!);

const isXmlns = (buf: Buffer, at: number, to: number) =>
  to - at === 5 && isXml(buf, at) && buf[at + 3] === 0x6e && buf[at + 4] === 0x73;
const isXml = (buf: Buffer, at: number) => buf[at] === 0x78 && buf[at + 1] === 0x6d && buf[at + 2] === 0x6c;

/**
 * Reads the start tag whose name begins at `i`.
 * @param most how many attributes it may have
 * @returns the index after its `>`, or -1 if the buffer ends first
 * @throws XmlError
 */
export function startTag(buf: Buffer, i: number, end: number, most: number): number {
  tag.from = i;
  i = qname(buf, i, end);
  if (i < 0) return -1;
  tag.to = i;
  tag.colon = seen.colon;
  tag.prefixed = seen.colon >= 0;
  tag.attributes = 0;
  tag.defaultNs = null;
  for (;;) {
    const gap = i;
    i = space(buf, i, end);
    if (i === end) return -1;
    const byte = buf[i]!;
    if (byte === 0x3e || byte === 0x2f) {
      if (i !== gap) seen.odd = true;
      tag.empty = byte === 0x2f;
      if (!tag.empty) return i + 1;
      if (i + 1 === end) return -1;
      return buf[i + 1] === 0x3e ? i + 2 : fail('a / within a tag', i + 1);
    }
    if (i === gap) fail('attributes that are not set apart', i);
    if (i - gap !== 1 || buf[gap] !== 0x20) seen.odd = true;
    if (tag.attributes === most) throw new XmlError('policy-violation', `more than ${most} attributes`, i, true);
    i = attribute(buf, i, end);
    if (i < 0) return -1;
  }
}

function attribute(buf: Buffer, from: number, end: number): number {
  const to = qname(buf, from, end);
  if (to < 0) return -1;
  const colon = seen.colon;
  let i = to;
  if (i < end && buf[i] !== 0x3d) i = space(buf, to, end);
  if (i === end) return -1;
  if (buf[i] !== 0x3d) fail('an attribute without a value', i);
  i = space(buf, i + 1, end);
  if (i === end) return -1;
  const quote = buf[i]!;
  if (quote !== 0x27 && quote !== 0x22) fail('a value without quotes', i);
  if (quote === 0x22 || i !== to + 1) seen.odd = true;
  const close = value(buf, i + 1, end, quote);
  if (close < 0) return -1;
  const n = tag.attributes;
  for (let a = 0; a < n; a++) {
    if (attrTo[a]! - attrFrom[a]! === to - from && same(buf, attrFrom[a]!, from, to - from))
      fail('an attribute twice', from);
  }
  attrFrom[n] = from;
  attrColon[n] = colon;
  attrTo[n] = to;
  valueFrom[n] = i + 1;
  valueTo[n] = close;
  valuePlain[n] = seen.plain;
  attrKind[n] = kindOf(buf, from, colon, to);
  if (attrKind[n] !== ORDINARY) {
    if (colon >= 0) tag.prefixed = true;
    else {
      tag.defaultNs = declared(buf, n);
      if (tag.defaultNs === XML_NS || tag.defaultNs === XMLNS_NS)
        throw new XmlError('not-well-formed', 'a reserved namespace as the default', from, true);
    }
  }
  tag.attributes = n + 1;
  return close + 1;
}

function kindOf(buf: Buffer, from: number, colon: number, to: number): number {
  if (colon < 0) return isXmlns(buf, from, to) ? DECLARATION : ORDINARY;
  if (colon - from === 3 && isXml(buf, from)) return ORDINARY;
  return isXmlns(buf, from, colon) ? DECLARATION : PREFIXED;
}
