/**
 * Elements as plain data, and how they are written. Prefixes are resolved when an element is read, so an element is
 * known by its name and namespace alone; it is written with default namespaces.
 */

export const NS = {
  client: 'jabber:client',
  streams: 'http://etherx.jabber.org/streams',
  streamError: 'urn:ietf:params:xml:ns:xmpp-streams',
  stanzaError: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  saslBinding: 'urn:xmpp:sasl-cb:0',
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  session: 'urn:ietf:params:xml:ns:xmpp-session',
  sm: 'urn:xmpp:sm:3',
  limits: 'urn:xmpp:stream-limits:0',
  roster: 'jabber:iq:roster',
  ping: 'urn:xmpp:ping',
  version: 'jabber:iq:version',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  delay: 'urn:xmpp:delay',
  chatStates: 'http://jabber.org/protocol/chatstates',
} as const;

export type Element = {
  name: string;
  ns: string;
  /** By the name as it is written; a prefixed attribute comes with its `xmlns:PREFIX`. */
  attrs: Record<string, string>;
  children: (Element | string)[];
};

/** Builds an element; attributes that are undefined are left out. */
export function el(
  name: string,
  ns: string,
  attrs: Record<string, string | undefined> = {},
  ...children: (Element | string)[]
): Element {
  const kept: Record<string, string> = Object.create(null);
  for (const key in attrs) if (attrs[key] !== undefined) kept[key] = attrs[key];
  return { name, ns, attrs: kept, children };
}

export const elements = (e: Element): Element[] => e.children.filter((c) => typeof c !== 'string');

/** The first child element of that name, in the parent's namespace unless another is given. */
export const child = (e: Element, name: string, ns = e.ns): Element | undefined =>
  elements(e).find((c) => c.name === name && c.ns === ns);

/** The text directly in an element. */
export const text = (e: Element | undefined): string =>
  e === undefined ? '' : e.children.filter((c) => typeof c === 'string').join('');

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&apos;', '"': '&quot;' };

/** Text as it may stand in content. */
export const content = (s: string): string => s.replace(/[&<>'"]/g, (c) => ENTITIES[c]!).replaceAll('\r', '&#13;');

/** Text as it may stand in an attribute, where bare white space would all be read as blanks. */
export const value = (s: string): string => content(s).replace(/[\t\n]/g, (c) => `&#${c.charCodeAt(0)};`);

/** The element as text, for a place where `outer` is the default namespace. The stream's own prefix is `stream`. */
export function write(e: Element, outer: string = NS.client): string {
  const streamed = e.ns === NS.streams;
  const tag = streamed ? `stream:${e.name}` : e.name;
  const inner = streamed ? outer : e.ns;
  let out = `<${tag}`;
  if (!streamed && e.ns !== outer) out += ` xmlns='${value(e.ns)}'`;
  for (const key in e.attrs) out += ` ${key}='${value(e.attrs[key]!)}'`;
  if (e.children.length === 0) return out + '/>';
  out += '>';
  for (const c of e.children) out += typeof c === 'string' ? content(c) : write(c, inner);
  return out + `</${tag}>`;
}
