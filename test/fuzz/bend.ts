/** Changes what XML says and leaves it well-formed, to get at what stands behind the parser. */
import { ATTRIBUTE } from './mutate.ts';
import type { Random } from './random.ts';
import { ALL, TEXTS, valuesOf } from './words.ts';

type Node = { name: string; attrs: [name: string, value: string][]; children: (Node | string)[] };

/** A simple reader for what is well-formed and has neither comments nor CDATA. */
function parse(text: string): Node | null {
  const root: Node = { name: '', attrs: [], children: [] };
  const open = [root];
  for (const token of text.match(/<[^>]*>|[^<]+/g) ?? []) {
    const top = open.at(-1)!;
    if (token.startsWith('</')) {
      if (open.length > 1) open.pop();
    } else if (token.startsWith('<')) {
      const name = /^<([^\s/>]+)/.exec(token)?.[1] ?? 'x';
      const attrs = [...token.matchAll(ATTRIBUTE)].map(
        ([, key, value]) => [key!, value!.slice(1, -1)] as [string, string],
      );
      const node: Node = { name, attrs, children: [] };
      top.children.push(node);
      if (!token.endsWith('/>')) open.push(node);
    } else top.children.push(token);
  }
  const first = root.children.find((child) => typeof child !== 'string');
  return first === undefined || typeof first === 'string' ? null : first;
}

function write(node: Node | string): string {
  if (typeof node === 'string') return node;
  const attrs = node.attrs.map(([name, value]) => ` ${name}='${value.replaceAll("'", '&apos;')}'`).join('');
  return node.children.length === 0
    ? `<${node.name}${attrs}/>`
    : `<${node.name}${attrs}>${node.children.map(write).join('')}</${node.name}>`;
}

const all = (node: Node): Node[] => [
  node,
  ...node.children.flatMap((child) => (typeof child === 'string' ? [] : all(child))),
];

/** A value as it may stand in XML; null if it can't. */
function lawful(value: string): string | null {
  const text = Buffer.from(value, 'latin1');
  if (
    text.toString('utf8').includes('\ufffd') ||
    /[\x00-\x08\x0b-\x1f\x7f]/.test(value) ||
    /\ufffe|\uffff/.test(text.toString())
  )
    return null;
  return value
    .replace(/&(?!(amp|lt|gt|quot|apos|#9|#10);)/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Well-formed it stays, and something else than it was. */
export function bend(r: Random, text: string, pool: readonly string[]): string {
  const root = parse(text);
  if (root === null) return text;
  for (let i = r.few(5); i >= 0; i--) {
    const nodes = all(root);
    const node = r.chance(0.4) ? root : r.pick(nodes);
    const other = parse(r.pick(pool)) ?? root;
    switch (r.int(9)) {
      case 0:
      case 1:
      case 2: {
        const attr = r.pick(node.attrs.length > 0 ? node.attrs : root.attrs);
        if (attr === undefined || /^xmlns:/.test(attr[0])) break;
        const value = lawful(r.pick(r.chance(0.85) ? valuesOf(attr[0]) : ALL));
        if (value !== null) attr[1] = value;
        break;
      }
      case 3: {
        const name = r.pick(['from', 'to', 'id', 'type', 'xmlns', 'xml:lang', 'stamp', 'h', '__proto__']);
        const value = lawful(r.pick(valuesOf(name)));
        if (value !== null && !node.attrs.some(([known]) => known === name)) node.attrs.push([name, value]);
        break;
      }
      case 4:
        if (node.attrs.length > 0 && !node.attrs.some(([name]) => name.startsWith('xmlns:')))
          node.attrs.splice(r.int(node.attrs.length), 1);
        break;
      case 5: {
        const value = lawful(r.pick(r.chance(0.8) ? TEXTS : ALL));
        if (value === null) break;
        const at = node.children.findIndex((child) => typeof child === 'string');
        if (at >= 0) node.children[at] = value;
        else node.children.push(value);
        break;
      }
      case 6:
        node.children.splice(r.int(node.children.length + 1), 1);
        break;
      case 7:
        // As text first, so that no node stands in itself.
        node.children.splice(
          r.int(node.children.length + 1),
          0,
          parse(write(r.pick(all(r.chance(0.5) ? other : root))))!,
        );
        break;
      default:
        node.name = r.chance(0.5)
          ? r.pick(['message', 'presence', 'iq', 'x', 'error', 'body', 'a', 'query', 'delay'])
          : r.pick(all(other)).name;
    }
    if (nodes.length > 300) break;
  }
  return write(root);
}
