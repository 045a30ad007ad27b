/**
 * Passes over one element that is not wanted whole, in constant memory, in whatever pieces it arrives. It still holds
 * the element to XML 1.0 and to what XMPP forbids, since the stream goes on behind it; it lets pass what would take
 * memory to find out: an attribute that is there twice, prefixes, and end tags that do not match far inside.
 * Of the root's start tag it keeps what tells whose the element is.
 */
import { expand, NAME_CHAR, NAME_START, reference, SPACE, XmlError } from './chars.ts';
import { fail } from './scan.ts';

/** Attributes of the root that are kept, and how many bytes of each. */
const KEPT: ReadonlySet<string> = new Set(['from', 'to', 'id', 'type', 'xmlns']);
const MOST_VALUE = 6 * 3071;
const MOST_NAME = 1024;
/** Bytes of names of open elements that are kept to be compared with their end tags. */
const MOST_OPEN = 65_536;
/** The longest reference that is not padded: beyond this it is refused. */
const MOST_REFERENCE = 64;

type State =
  | 'text'
  | 'open'
  | 'bang'
  | 'cdata'
  | 'name'
  | 'gap'
  | 'attribute'
  | 'equals'
  | 'quote'
  | 'value'
  | 'valued'
  | 'slash'
  | 'end'
  | 'ended';

export type Skip = {
  /**
   * Reads on.
   * @returns the index after the element, or -1 if it goes on
   * @throws XmlError for what breaks the stream
   */
  push(buf: Uint8Array, from: number, to: number): number;
  /** The name of the root as it is written, and its attributes as far as they are kept; a root that is cut has none. */
  readonly name: string;
  readonly attrs: Readonly<Record<string, string>>;
};

const CDATA = Buffer.from('![CDATA[');
const latin1 = (bytes: readonly number[]) => Buffer.from(bytes).toString('latin1');

/** Begins with the `<` of the element. */
export function createSkip(): Skip {
  let state: State = 'text';
  let depth = 0;
  let quote = 0;
  let matched = 0;
  let brackets = 0;
  /** The name being read; what does not fit is only counted. */
  let name: number[] = [];
  let nameLength = 0;
  const open: string[] = [];
  let openBytes = 0;
  let rootName = '';
  const attrs: Record<string, string> = Object.create(null);
  let keptName = '';
  let kept: number[] | null = null;
  let entity: number[] | null = null;
  /** UTF-8: how many bytes are to follow, the bounds of the next one, and the code point so far. */
  let follow = 0;
  let low = 0x80;
  let high = 0xbf;
  let code = 0;

  function utf8(byte: number, at: number): void {
    const bad = (): never => {
      throw new XmlError('unsupported-encoding', 'bytes that are not UTF-8', at);
    };
    if (follow > 0) {
      if (byte < low || byte > high) bad();
      low = 0x80;
      high = 0xbf;
      code = (code << 6) | (byte & 0x3f);
      if (--follow === 0 && (code === 0xfffe || code === 0xffff)) fail('a character that XML does not have', at);
      return;
    }
    if (byte < 0xc2 || byte > 0xf4) bad();
    follow = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    code = byte & (follow === 1 ? 0x1f : follow === 2 ? 0x0f : 0x07);
    low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  }

  function begin(next: State, byte: number, at: number): void {
    if (!NAME_START[byte]) fail('a malformed name', at);
    name = [byte];
    nameLength = 1;
    state = next;
  }

  function add(byte: number, at: number): boolean {
    if (!NAME_CHAR[byte] && byte !== 0x3a) return false;
    if (byte === 0x3a && name.includes(0x3a) && name.length < MOST_NAME) fail('a malformed name', at);
    if (nameLength++ < MOST_NAME) name.push(byte);
    return true;
  }

  /** What is compared of a name: its first bytes, and how many it has. */
  const shortName = () => `${nameLength} ${latin1(name)}`;

  function entered(): void {
    depth++;
    if (depth === 1) rootName = Buffer.from(name).toString();
    if (open.length !== depth - 1 || openBytes + name.length > MOST_OPEN) return;
    open.push(shortName());
    openBytes += name.length;
  }

  /** @returns whether that was the last element */
  function left(): boolean {
    if (open.length === depth) openBytes -= Math.min(MOST_NAME, Number.parseInt(open.pop()!, 10));
    depth--;
    state = 'text';
    return depth === 0;
  }

  function attributed(): void {
    keptName = depth === 1 ? latin1(name) : '';
    const wanted = depth === 1 && (KEPT.has(keptName) || keptName === `xmlns:${prefixOf(rootName)}`);
    kept = wanted ? [] : null;
  }

  function valued(): void {
    if (kept !== null)
      attrs[keptName] = expand(
        Buffer.from(kept)
          .toString()
          .replace(/\r\n|[\r\n\t]/g, ' '),
      );
    kept = null;
    state = 'valued';
  }

  /** A character of text or of a value. */
  function character(byte: number, at: number): void {
    if (entity !== null) {
      // However many zeros it is padded with, it is kept short.
      if (byte !== 0x30 || entity.at(-1) !== 0x30 || entity.length > 4) entity.push(byte);
      if (byte === 0x3b) {
        reference(Buffer.from(entity), 0, entity.length);
        entity = null;
      } else if (byte === 0x3c || byte === 0x26 || byte >= 0x80 || entity.length > MOST_REFERENCE)
        fail('an & that begins no reference', at);
    } else if (byte === 0x26) entity = [byte];
    else if (byte < 0x20 && !SPACE[byte]) fail('a control character', at);
  }

  function next(byte: number, at: number): boolean {
    switch (state) {
      case 'text':
        if (byte !== 0x3c || entity !== null) {
          character(byte, at);
          if (byte === 0x3e && brackets > 1) fail(']]> outside of CDATA', at);
          brackets = byte === 0x5d ? brackets + 1 : 0;
        } else state = 'open';
        return false;
      case 'open':
        brackets = 0;
        if (byte === 0x2f) {
          state = 'end';
          name = [];
          nameLength = 0;
        } else if (byte === 0x21 && depth > 0) {
          state = 'bang';
          matched = 1;
        } else if (byte === 0x21 || byte === 0x3f)
          throw new XmlError('restricted-xml', 'a comment, processing instruction or document type', at);
        else begin('name', byte, at);
        return false;
      case 'bang':
        if (byte !== CDATA[matched]) throw new XmlError('restricted-xml', 'a comment or a document type', at);
        if (++matched === CDATA.length) state = 'cdata';
        return false;
      case 'cdata':
        if (byte === 0x3e && brackets > 1) {
          brackets = 0;
          state = 'text';
        } else {
          brackets = byte === 0x5d ? brackets + 1 : 0;
          if (byte < 0x20 && !SPACE[byte]) fail('a control character', at);
        }
        return false;
      case 'name':
        if (add(byte, at)) return false;
        entered();
        return inTag(byte, at, false);
      case 'gap':
        return inTag(byte, at, true);
      case 'valued':
        return inTag(byte, at, false);
      case 'attribute':
        if (add(byte, at)) return false;
        attributed();
        state = 'equals';
        return equals(byte, at);
      case 'equals':
        return equals(byte, at);
      case 'quote':
        if (SPACE[byte]) return false;
        if (byte !== 0x27 && byte !== 0x22) fail('a value without quotes', at);
        quote = byte;
        state = 'value';
        return false;
      case 'value':
        if (byte === quote && entity === null) valued();
        else {
          if (byte === 0x3c) fail('a < within a value', at);
          character(byte, at);
          if (kept !== null && kept.push(byte) > MOST_VALUE) kept = null;
        }
        return false;
      case 'slash':
        if (byte !== 0x3e) fail('a / within a tag', at);
        return left();
      case 'end':
        if (add(byte, at)) return false;
        if (open.length === depth && open[depth - 1] !== shortName()) fail('an end tag that does not match', at);
        state = 'ended';
        return ended(byte, at);
      default:
        return ended(byte, at);
    }
  }

  function inTag(byte: number, at: number, apart: boolean): boolean {
    if (SPACE[byte]) state = 'gap';
    else if (byte === 0x3e) state = 'text';
    else if (byte === 0x2f) state = 'slash';
    else if (apart) begin('attribute', byte, at);
    else fail('attributes that are not set apart', at);
    return false;
  }

  function equals(byte: number, at: number): boolean {
    if (byte === 0x3d) state = 'quote';
    else if (!SPACE[byte]) fail('an attribute without a value', at);
    return false;
  }

  function ended(byte: number, at: number): boolean {
    if (SPACE[byte]) return false;
    if (byte !== 0x3e) fail('an end tag that does not match', at);
    return left();
  }

  return {
    push(buf, from, to) {
      for (let i = from; i < to; i++) {
        const byte = buf[i]!;
        if (follow > 0 || byte >= 0x80) utf8(byte, i);
        if (next(byte, i)) return i + 1;
      }
      return -1;
    },
    get name() {
      return rootName;
    },
    attrs,
  };
}

/** The prefix of a name; empty if it has none. */
export const prefixOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf(':')));
