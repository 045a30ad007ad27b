/**
 * Spoils XML. Texts are of bytes (one character, one byte), so that bytes that are no characters can stand in them. At
 * the level of bytes, tags, attributes, texts, namespaces and encodings nothing has to stay well-formed; `bend` keeps
 * it so, to get at what stands behind the parser.
 */
import type { Random } from './random.ts';
import { ALL, NAMESPACES, NUMBERS, TEXTS, valuesOf } from './words.ts';

type Spoil = (r: Random, text: string, pool: readonly string[]) => string;

export const ATTRIBUTE = /([\w:.-]+)=('[^']*'|"[^"]*")/g;

/** Replaces one of the places that a pattern finds. */
function atOne(r: Random, text: string, pattern: RegExp, by: (match: RegExpMatchArray) => string): string {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const match = r.pick(found);
  return text.slice(0, match.index) + by(match) + text.slice(match.index! + match[0].length);
}

const cut = (r: Random, text: string) => {
  const from = r.int(text.length + 1);
  return [from, Math.min(text.length, from + 1 + r.few(text.length + 1))] as const;
};

const bytes: Spoil = (r, text, pool) => {
  if (text === '') return r.pick(TEXTS);
  const at = r.int(text.length);
  const [from, to] = cut(r, text);
  switch (r.int(8)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << r.int(8))) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + String.fromCharCode(r.int(256)) + text.slice(at);
    case 2:
      return text.slice(0, from) + text.slice(to);
    case 3:
      return text.slice(0, to) + text.slice(from);
    case 4:
      return text.slice(0, at) + r.pick(TEXTS) + text.slice(at);
    case 5: {
      const other = r.pick(pool);
      return text.slice(0, at) + other.slice(r.int(other.length + 1));
    }
    case 6:
      return text.slice(0, at);
    default:
      return (
        text.slice(0, at) +
        r.pick(['<', '>', "'", '"', '&', ';', '/', '=', ' ', '\n', '\0', ']]>', '</']) +
        text.slice(at)
      );
  }
};

const tags: Spoil = (r, text, pool) => {
  const tokens = text.match(/<[^>]*>|[^<]+/g) ?? [];
  if (tokens.length === 0) return text;
  const i = r.int(tokens.length);
  const j = r.int(tokens.length);
  switch (r.int(7)) {
    case 0:
      tokens.splice(i, 1);
      break;
    case 1:
      tokens.splice(j, 0, tokens[i]!);
      break;
    case 2:
      [tokens[i], tokens[j]] = [tokens[j]!, tokens[i]!];
      break;
    case 3:
      tokens.splice(i, 0, ...(r.pick(pool).match(/<[^>]*>|[^<]+/g) ?? []).slice(0, 1 + r.int(4)));
      break;
    case 4: {
      const depth = r.pick([3, 60, 63, 64, 65, 200, 5000]);
      return '<a>'.repeat(depth) + text + (r.chance(0.7) ? '</a>'.repeat(depth) : '');
    }
    case 5:
      tokens.splice(
        i,
        0,
        r.pick([
          '<!-- x -->',
          '<![CDATA[<x>]]>',
          '<?p i?>',
          '<!DOCTYPE a>',
          '</stream:stream>',
          '<?xml version="1.0"?>',
        ]),
      );
      break;
    default:
      tokens[i] = tokens[i]!.replace(/^<\/?[^\s/>]*/, () =>
        r.pick(['<x:y', '</x', '<1', '<', '<message', '</message', '<stream:error']),
      );
  }
  return tokens.join('');
};

const quoted = (value: string) => (value.includes("'") ? `"${value}"` : `'${value}'`);

const attributes: Spoil = (r, text, pool) =>
  atOne(r, text, ATTRIBUTE, ([all, name, value]) => {
    switch (r.int(6)) {
      case 0:
        return '';
      case 1:
        return `${all} ${all}`;
      case 2:
        return `${r.pick(['from', 'to', 'id', 'type', 'xmlns', 'xml:lang', 'x:y', '__proto__', 'h', 'n'])}=${value}`;
      case 3: {
        const others = r.pick(pool).match(ATTRIBUTE) ?? [all];
        return `${all} ${r.pick(others)}`;
      }
      case 4:
        return `${all}${Array.from({ length: r.pick([5, 63, 64, 65, 1000]) }, (_, i) => ` a${i}='${i}'`).join('')}`;
      default:
        return `${name}=${quoted(r.pick(r.chance(0.8) ? valuesOf(name!) : ALL))}`;
    }
  });

const texts: Spoil = (r, text) =>
  atOne(r, text, />([^<]*)</g, ([, old]) => `>${r.chance(0.3) ? old : ''}${r.pick(r.chance(0.8) ? TEXTS : ALL)}<`);

const numbers: Spoil = (r, text) => atOne(r, text, /\d+/g, () => r.pick(NUMBERS));

const namespaces: Spoil = (r, text) => {
  switch (r.int(4)) {
    case 0:
      return atOne(
        r,
        text,
        /xmlns(:\w+)?=('[^']*'|"[^"]*")/g,
        ([, prefix]) => `xmlns${prefix ?? ''}='${r.pick(NAMESPACES)}'`,
      );
    case 1:
      return atOne(r, text, /xmlns='([^']*)'/g, () => '');
    case 2:
      return atOne(
        r,
        text,
        /<(\/?)(\w+)/g,
        ([, slash, name]) => `<${slash}${r.pick(['stream', 'x', 'xml', 'xmlns', ''])}:${name}`,
      );
    default:
      return atOne(
        r,
        text,
        /<(\w+)/g,
        ([all]) => `${all} xmlns${r.pick(['', ':x', ':xml', ':xmlns', ':stream'])}='${r.pick(NAMESPACES)}'`,
      );
  }
};

const encodings: Spoil = (r, text) => {
  const written = Buffer.from(text, 'latin1');
  switch (r.int(5)) {
    case 0:
      return Buffer.from(written.toString(), r.pick(['utf16le', 'latin1'])).toString('latin1');
    case 1:
      return `\xef\xbb\xbf${text}`;
    case 2:
      return `\xff\xfe${text}`;
    case 3:
      return atOne(r, text, /[a-z]/g, ([c]) => `\xc1${String.fromCharCode((c!.charCodeAt(0) & 0x3f) | 0x80)}`);
    default:
      return atOne(r, text, /[^\x00-\x7f]/g, () => '\xe2\x82');
  }
};

const SPOILS: readonly Spoil[] = [bytes, tags, attributes, attributes, texts, numbers, namespaces, encodings];

/** Anything may come of it. */
export function spoil(r: Random, text: string, pool: readonly string[]): string {
  let spoilt = text;
  for (let i = r.few(6); i >= 0; i--) spoilt = r.pick(SPOILS)(r, spoilt, pool);
  return spoilt;
}

/** Stanzas in another order, some of them lost, some twice, some from elsewhere. */
export function reorder(r: Random, list: readonly string[], pool: readonly string[]): string[] {
  const some = [...list];
  for (let i = r.few(12); i >= 0 && some.length > 0; i--) {
    const at = r.int(some.length);
    switch (r.int(5)) {
      case 0:
        some.splice(at, 1 + r.few(some.length));
        break;
      case 1:
        some.splice(r.int(some.length), 0, ...some.slice(at, at + 1 + r.few(20)));
        break;
      case 2:
        some.splice(r.int(some.length), 0, ...some.splice(at, 1));
        break;
      case 3:
        some.splice(at, 0, r.pick(pool));
        break;
      default:
        some.splice(at, 0, ...Array<string>(1 + r.few(60)).fill(some[at]!));
    }
  }
  return some;
}

/** Cuts bytes anywhere, as a network does. */
export function chunks(r: Random, data: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const most = r.pick([1, 7, 100, 1460, 4096, 65_536]);
  // One byte at a time is slow for much.
  const limit = data.length > 20_000 ? Math.max(most, 1460) : most;
  for (let at = 0; at < data.length; ) {
    const length = 1 + r.int(limit);
    found.push(data.subarray(at, at + length));
    at += length;
  }
  return found;
}
