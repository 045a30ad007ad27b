/**
 * The canonical text of a stanza: one line, whatever is in it; single quotes; every character that means something
 * escaped. What `read` finds canonical may be handed on without coming through here.
 */
import type { Element } from 'ltx';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
};

/** Escapes a text for use between tags or within a value: the five characters, and white space that would not survive. */
export function escapeXml(text: string): string {
  const first = text.search(SPECIAL);
  if (first < 0) return text;
  let out = '';
  let from = 0;
  for (let i = first; i < text.length; i++) {
    const escaped = ESCAPED[text.charCodeAt(i)];
    if (escaped === undefined) continue;
    out += text.slice(from, i) + escaped;
    from = i + 1;
  }
  return out + text.slice(from);
}
const SPECIAL = /[&<>'"\t\n\r]/;

/** By code. */
const ESCAPED: readonly (string | undefined)[] = Array.from({ length: 0x80 }, (_, code) => {
  const char = String.fromCharCode(code);
  return SPECIAL.test(char) ? (ENTITIES[char] ?? `&#${code};`) : undefined;
});

/** An element as one line of text, without a newline at its end. The tree must hold XML characters only. */
export function canonical(element: Element): string {
  let out = `<${element.name}`;
  for (const name in element.attrs) {
    const value = element.attrs[name];
    if (value !== undefined) out += ` ${name}='${escapeXml(value)}'`;
  }
  if (element.children.length === 0) return `${out}/>`;
  out += '>';
  for (const child of element.children) out += typeof child === 'string' ? escapeXml(child) : canonical(child);
  return `${out}</${element.name}>`;
}
