/** XML by chance, for property tests: trees, the many ways to write one down, and ways to cut bytes into chunks. */
import fc from 'fast-check';

export type Node = { name: string; attrs: [string, string][]; children: (Node | string)[] };

const name = fc.constantFrom('a', 'b', 'body', 'x-y', 'é', '_1');
export const chars = fc.string({
  unit: fc.constantFrom('a', ' ', '<', '>', '&', "'", '"', '\n', '\t', '\r', ']', 'é', '😀', '\u0085', '\u2028'),
  maxLength: 8,
});

export const tree: fc.Memo<Node> = fc.memo((depth) =>
  fc.record({
    name,
    attrs: fc.uniqueArray(fc.tuple(name, chars), { selector: ([n]) => n, maxLength: 3 }),
    children: depth <= 1 ? fc.constant([]) : fc.array(fc.oneof(tree(depth - 1), chars), { maxLength: 3 }),
  }),
);

export const quote = (text: string) => text.replace(/[<>&'"\r\n\t]/g, (c) => `&#${c.charCodeAt(0)};`);

export const write = (n: Node): string =>
  `<${n.name}${n.attrs.map(([k, v]) => ` ${k}="${quote(v)}"`).join('')}>${n.children.map((c) => (typeof c === 'string' ? quote(c) : write(c))).join('')}</${n.name}>`;

/** What a header declares besides `jabber:client`, for the prefix `s` of `stanza`. */
export const DECLARED = "xmlns:s='urn:s'";

const gap = fc.constantFrom(' ', ' ', ' ', '\n', '  ', '\t\r\n');
const slack = fc.constantFrom('', '', '', ' ', '\n');

const run = fc.oneof(
  chars.map(quote),
  chars.map((text) => `<![CDATA[${text.replaceAll(']', '')}]]>`),
  fc.constantFrom('&amp;', '&lt;x&gt;', '&#x1F600;', ' > ', '"', "'", ']', ']]', '\r\n', 'plain'),
);

const attribute = fc
  .tuple(gap, fc.constantFrom('a', 'b', 'id', 'to', 'xml:lang', 'p:x', 's:x'), slack, slack, fc.boolean(), chars)
  .map(([before, attr, left, right, single, value]) => {
    const q = single ? "'" : '"';
    const text = value.replace(/[<&'"]/g, (c) => `&#${c.charCodeAt(0)};`);
    return { attr, text: `${before}${attr}${left}=${right}${q}${text}${q}` };
  });

/** An element, well-formed and in any notation that XML has: prefixes, CDATA, both quotes, white space in tags. */
const element = (names: fc.Arbitrary<string>, children: fc.Arbitrary<string[]>): fc.Arbitrary<string> =>
  fc
    .record({
      local: names,
      prefix: fc.constantFrom('', '', '', 'p:', 's:'),
      ns: fc.constantFrom('', '', " xmlns='urn:a'", " xmlns='jabber:client'", " xmlns=''"),
      attrs: fc.uniqueArray(attribute, { selector: ({ attr }) => attr, maxLength: 3 }),
      tail: slack,
      children,
    })
    .map(({ local, prefix, ns, attrs, tail, children }) => {
      const tag = `${prefix}${local}`;
      const own = attrs.map((a) => a.text).join('');
      const declared = `${prefix}${own}`.includes('p:') ? " xmlns:p='urn:p'" : '';
      const open = `<${tag}${ns}${declared}${own}${tail}`;
      return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${tag}${tail}>`;
    });

const inside = (names: fc.Arbitrary<string>): fc.Memo<string> => {
  const inner: fc.Memo<string> = fc.memo((depth) =>
    element(names, depth <= 1 ? fc.constant([]) : fc.array(fc.oneof(inner(depth - 1), run), { maxLength: 3 })),
  );
  return inner;
};

const roots = fc.constantFrom('message', 'presence', 'iq', 'other');
const stanzaOf = (inner: fc.Memo<string>) => element(roots, fc.array(fc.oneof(inner(2), run), { maxLength: 3 }));

/** The text of a stanza, in any notation. */
export const stanza = stanzaOf(inside(name));

/** The same, and what is in it may look like another one. */
export const nested = stanzaOf(inside(fc.oneof(name, roots)));

/** Bits and pieces of XML in any order. */
export const soup = fc.array(
  fc.constantFrom(
    '<a',
    '<b',
    '<p:a',
    '</a>',
    '</b>',
    '</p:a>',
    '>',
    '/>',
    ' ',
    '\n',
    '\t',
    '\r',
    ' x',
    " x='1'",
    ' x="2"',
    " p:x='3'",
    " xmlns='u'",
    " xmlns:p='v'",
    " xmlns:p='u'",
    " xml:lang='en'",
    "='",
    "'",
    '"',
    '=',
    '&amp;',
    '&lt;',
    '&#10;',
    '&#x1F600;',
    '&#1;',
    '&x;',
    '&',
    ';',
    '<![CDATA[',
    ']]>',
    ']',
    '<!--',
    '-->',
    '<?',
    '?>',
    'text',
    'é',
    '😀',
    '\u0085',
    '\u0007',
    '\uffff',
    '·',
    '<',
    ':',
    '<é',
    '</é>',
    '<a>',
    '<b>',
    '<a/>',
  ),
  { maxLength: 14 },
);

/** Where to cut; for `cut`. */
export const cuts = fc.oneof(fc.constant('each' as const), fc.array(fc.nat(), { maxLength: 12 }));

/** The bytes in chunks: cut at each of some places, or behind each byte. */
export function cut(bytes: Buffer, where: 'each' | number[]): Buffer[] {
  const places =
    where === 'each'
      ? Array.from({ length: bytes.length }, (_, i) => i)
      : where.map((w) => w % (bytes.length + 1)).sort((a, b) => a - b);
  return [...places, bytes.length].map((to, i) => bytes.subarray(i === 0 ? 0 : places[i - 1], to));
}
