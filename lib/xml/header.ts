/** How a stream begins: perhaps an XML declaration, then the stream's own start tag (RFC 6120 section 4.2). */
import type { Element } from 'ltx';
import { expand, XmlError } from './chars.ts';
import { found, type ReadOptions, read, type Scope } from './read.ts';

const DECLARATION =
  /^<\?xml\s+version\s*=\s*(['"])1\.\d+\1(\s+encoding\s*=\s*(['"])[A-Za-z][\w.-]*\3)?(\s+standalone\s*=\s*(['"])(yes|no)\5)?\s*\?>$/;
const ATTRIBUTE = /([^ \t\r\n=<>/'"]+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')/g;

/** @throws XmlError if it is none, or names another encoding than UTF-8 */
export function checkDeclaration(buf: Buffer, from: number, to: number): void {
  const text = buf.toString('latin1', from, to);
  if (!DECLARATION.test(text)) throw new XmlError('not-well-formed', 'a malformed XML declaration', from);
  if (/encoding/.test(text) && !/encoding\s*=\s*["']utf-8["']/i.test(text))
    throw new XmlError('unsupported-encoding', 'an encoding that is not UTF-8', from);
}

export type Header = {
  /** The tag as an empty element, prefix and all resolved. */
  readonly element: Element;
  /** How the stream's own tags begin: `<stream:stream`, `</stream:stream`. */
  readonly opening: Buffer;
  readonly closing: Buffer;
  /** The namespaces that stanzas stand in. */
  readonly scope: Scope;
};

/**
 * Reads the stream's start tag.
 * @param close where its `>` is
 * @throws XmlError
 */
export function readHeader(buf: Buffer, from: number, close: number, how: ReadOptions): Header {
  // The start tag alone, read as if its element ended there.
  const bytes = Buffer.concat([buf.subarray(from, close), Buffer.from('/>')]);
  const scope = { defaultNs: '', prefixes: new Map<string, string>() };
  const after = read(bytes, 0, bytes.length, { ...how, scope, build: true, wants: undefined, cut: false });
  if (after !== bytes.length) throw new XmlError('not-well-formed', 'a malformed stream header', from);
  const element = found.tree!;
  const tag = bytes.toString();
  const [name] = /^[^ \t\r\n/>]+/.exec(tag)!;
  return { element, opening: Buffer.from(name), closing: Buffer.from(`</${name.slice(1)}`), scope: scopeOf(tag) };
}

/** The namespaces that a start tag declares; it has been read already. */
function scopeOf(tag: string): Scope {
  let defaultNs = '';
  const prefixes = new Map<string, string>();
  for (const [, name, double, single] of tag.matchAll(ATTRIBUTE)) {
    const uri = expand((double ?? single ?? '').replace(/\r\n|[\r\n\t]/g, ' '));
    if (name === 'xmlns') defaultNs = uri;
    else if (name!.startsWith('xmlns:')) prefixes.set(name!.slice(6), uri);
  }
  return { defaultNs, prefixes };
}
