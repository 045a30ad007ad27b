/**
 * The characters of XML 1.0 (fifth edition) as tables over bytes of UTF-8: every structural character is ASCII, so a
 * reader can work on bytes and leave the check of what is not ASCII to one native call.
 */

/** What is wrong with a text, as the stream error of RFC 6120 section 4.9.3 that names it. */
export type XmlFault =
  | 'not-well-formed'
  | 'restricted-xml'
  | 'unsupported-encoding'
  | 'policy-violation'
  | 'invalid-namespace'
  | 'unsupported-stanza-type';

/** A text that is not XML, or is more of XML than XMPP allows (RFC 6120 section 11.1). */
export class XmlError extends Error {
  readonly fault: XmlFault;
  /** Where in the buffer the first offending byte is; if only the whole element shows the fault, where that ends. */
  readonly at: number;
  /** It is the fault of one element, which may be well-formed XML: what comes behind it can be read. */
  readonly mild: boolean;

  constructor(fault: XmlFault, message: string, at: number, mild = false) {
    super(message);
    this.fault = fault;
    this.at = at;
    this.mild = mild;
  }
}

const table = (test: (byte: number) => boolean) => Uint8Array.from({ length: 256 }, (_, byte) => (test(byte) ? 1 : 0));
const among = (bytes: string) => (byte: number) => bytes.includes(String.fromCharCode(byte));
const isAlpha = (b: number) => (b >= 0x41 && b <= 0x5a) || (b >= 0x61 && b <= 0x7a) || b === 0x5f;
const isDigit = (b: number) => b >= 0x30 && b <= 0x39;

export const SPACE = table(among(' \t\r\n'));
/** Bytes that may begin a name without a colon (NCName); those above ASCII are looked at again by `isNcName`. */
export const NAME_START = table((b) => isAlpha(b) || b >= 0x80);
export const NAME_CHAR = table((b) => isAlpha(b) || isDigit(b) || b === 0x2d || b === 0x2e || b >= 0x80);
/** What the tables of a run of plain text say of a byte: that it needs a closer look, that it is above ASCII. */
export const STOP = 1;
export const HIGH = 0x80;

/** Of the bytes above ASCII only EF stops: U+FFFE and U+FFFF, which are UTF-8 but no XML, begin with it. */
const run = (stop: string) =>
  Uint8Array.from({ length: 256 }, (_, b) => (b < 0x20 || b === 0xef || among(stop)(b) ? STOP : 0) | (b & HIGH));
export const TEXT_RUN = run('<&]');
export const VALUE_RUN = run('<&\'"');

const START =
  'A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const NC_NAME = new RegExp(`^[${START}][-.0-9\\xB7\\u0300-\\u036F\\u203F-\\u2040${START}]*$`, 'u');

/** Whether a text is an NCName (Namespaces in XML, production 4). */
export const isNcName = (text: string): boolean => NC_NAME.test(text);

/** Whether a code point may stand in a document (XML 1.0 production 2). */
export const isXmlChar = (code: number): boolean =>
  code >= 0x20
    ? code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
    : code === 0x9 || code === 0xa || code === 0xd;

const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** Whether a string holds only characters that XML can carry. */
export const isXmlText = (text: string): boolean => !NOT_XML.test(text);

const PREDEFINED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' };
const PREDEFINED_BYTES = Object.keys(PREDEFINED).map((name) => [...Buffer.from(`${name};`)]);

/** Replaces the references of a text that has been checked already. */
export function expand(text: string): string {
  let out = '';
  let from = 0;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', from)) {
    const semicolon = text.indexOf(';', at);
    out += text.slice(from, at) + referred(text.slice(at + 1, semicolon));
    from = semicolon + 1;
  }
  return from === 0 ? text : out + text.slice(from);
}

function referred(name: string): string {
  if (name[0] !== '#') return PREDEFINED[name]!;
  return String.fromCodePoint(name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1)));
}

/**
 * Checks the reference that begins at `at`, and returns where it ends.
 * @returns the index after the semicolon, or -1 when the buffer ends first
 * @throws XmlError restricted-xml for an entity that is not one of the five, not-well-formed for anything else
 */
export function reference(buf: Uint8Array, at: number, end: number): number {
  let i = at + 1;
  if (i === end) return -1;
  if (buf[i] !== 0x23 /* # */) {
    for (const name of PREDEFINED_BYTES) {
      let n = 0;
      while (n < name.length && buf[i + n] === name[n]) n++;
      if (n === name.length && i + n <= end) return i + n;
    }
    const from = i;
    while (i < end && NAME_CHAR[buf[i]!]) i++;
    if (i === end) return -1;
    if (i === from || buf[i] !== 0x3b) throw new XmlError('not-well-formed', 'an & that begins no reference', i);
    throw new XmlError('restricted-xml', 'an entity that is not predefined', at);
  }
  i++;
  const hex = i < end && buf[i] === 0x78;
  if (hex) i++;
  const from = i;
  let code = 0;
  for (; i < end && buf[i] !== 0x3b; i++) {
    const digit = hexDigit(buf[i]!);
    if (digit < 0 || (!hex && digit > 9)) throw new XmlError('not-well-formed', 'a malformed character reference', i);
    code = Math.min(code * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (i === end) return -1;
  if (i === from || !isXmlChar(code)) throw new XmlError('not-well-formed', 'a reference to no character', i);
  return i + 1;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
