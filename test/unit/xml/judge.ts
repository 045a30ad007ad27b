import type { Element } from 'ltx';
import { SaxesParser } from 'saxes';
import { CLIENT_NS } from '../../../lib/xml/read.ts';

/** A tree as plain data: namespace and local name, attributes by expanded name, children with their text joined. */
export type Plain = { name: string; attrs: Record<string, string>; children: (Plain | string)[] };

/**
 * What saxes, another strict parser, makes of a document; null if it is not namespace-well-formed, or has what XMPP
 * forbids.
 */
export function judge(document: string): Plain | null {
  const parser = new SaxesParser({ xmlns: true });
  let root: Plain | null = null;
  let bad = false;
  const open: Plain[] = [];
  const text = (run: string) => {
    const parent = open.at(-1);
    if (!parent || run === '') return;
    if (typeof parent.children.at(-1) === 'string') parent.children[parent.children.length - 1] += run;
    else parent.children.push(run);
  };
  const forbid = () => {
    bad = true;
  };
  parser.on('error', forbid);
  parser.on('doctype', forbid);
  parser.on('comment', forbid);
  parser.on('processinginstruction', forbid);
  parser.on('xmldecl', forbid);
  parser.on('text', text);
  parser.on('cdata', text);
  parser.on('opentag', (tag) => {
    const attrs: Record<string, string> = {};
    for (const a of Object.values(tag.attributes)) {
      if (a.prefix !== 'xmlns' && a.name !== 'xmlns') attrs[`{${a.uri}}${a.local}`] = a.value;
    }
    const element: Plain = { name: `{${tag.uri}}${tag.local}`, attrs, children: [] };
    if (open.length > 0) open.at(-1)!.children.push(element);
    else root = element;
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  try {
    parser.write(document).close();
  } catch {
    bad = true;
  }
  return bad ? null : root;
}

/** Our tree as the same plain data. */
export function plain(element: Element, parentNs = CLIENT_NS): Plain {
  const reserved = element.name.startsWith('xml:');
  const ns = reserved ? 'http://www.w3.org/XML/1998/namespace' : (element.attrs.xmlns ?? parentNs);
  const attrs: Record<string, string> = {};
  for (const name in element.attrs) {
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    const colon = name.indexOf(':');
    const prefix = name.slice(0, Math.max(colon, 0));
    const uri =
      colon < 0 ? '' : prefix === 'xml' ? 'http://www.w3.org/XML/1998/namespace' : element.attrs[`xmlns:${prefix}`]!;
    attrs[`{${uri}}${name.slice(colon + 1)}`] = element.attrs[name]!;
  }
  return {
    name: `{${ns}}${reserved ? element.name.slice(4) : element.name}`,
    attrs,
    children: element.children.map((c) => (typeof c === 'string' ? c : plain(c, ns))),
  };
}
