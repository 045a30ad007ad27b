/**
 * Cuts a stream of bytes into whole stanzas, at whatever borders the bytes arrive, in time linear in their number and
 * within a limit on their memory. Three kinds of stream: what a server sends, where any fault is the end (`stream`); what
 * one program writes, where a fault costs the rest of its line (`lines`); and what many local programs write who may stop
 * half way, where the next stanza counts even on the same line (`fragments`). The last one guesses, so it is not for
 * stanzas with other people's words in them: what looks like a stanza there must not become one.
 */
import type { Element } from 'ltx';
import { NAME_CHAR, SPACE, XmlError } from './chars.ts';
import { checkDeclaration, readHeader } from './header.ts';
import { HEAD, LIMITS, type Limits } from './limits.ts';
import { CLIENT_SCOPE, found, type ReadOptions, read, type Scope } from './read.ts';
import { beginsStanza, mayBeginStanza } from './scan.ts';
import { createSkip, prefixOf, type Skip } from './skip.ts';
import { mayBeWhole, type Progress, progressFrom, type TagScan, tagEnd } from './whole.ts';

export { LIMITS, type Limits };

/** Bytes of an XML declaration, of the stream's start tag, of its end tag. */
const TAG_LIMIT = 10_000;

/** A stanza, as bytes of a buffer that is used again after the call. */
export type Piece = {
  readonly buf: Buffer;
  readonly start: number;
  readonly end: number;
  /** May be handed on as it is, see `read.ts`. */
  readonly canonical: boolean;
  /** The root's name without a prefix, and its namespace. */
  readonly name: string;
  readonly ns: string;
  /** The tree, if the splitter builds. */
  readonly tree: Element | null;
  /** How many bytes have arrived after it. */
  readonly behind: number;
  readonly scope: Scope;
};

/** A stanza that was passed over. */
export type Skipped = {
  /** As in `Piece`. */
  readonly name: string;
  readonly ns: string;
  /** Of the root's attributes `from`, `to`, `id` and `type`, unless they are longer than any that means well. */
  readonly attrs: Readonly<Record<string, string | undefined>>;
  /** What is wrong with it. */
  readonly why: string;
};

export type SplitterEvents = {
  stanza(piece: Piece): void;
  /** `stream`, after `allow`: a stanza that is beyond the limits, or not as namespaces have it, has passed by. */
  skipped?(stanza: Skipped): void;
  /** The stream's own start tag as an empty element, prefix and all resolved. */
  header?(element: Element): void;
  /** The end tag of the stream. */
  close?(): void;
  /**
   * A fault. In `stream` it is the end. In `lines` it costs the rest of its line. In `fragments` it costs the rest of its line, but not a stanza that visibly
   * begins at the very byte where the fault showed, or after text that is nothing; so a writer that stopped half way
   * spoils only its own stanza.
   */
  fault(error: XmlError): void;
};

export type Splitter = {
  push(chunk: Buffer): void;
  /** Not in `stream`: the last writer has gone, so what is unfinished stays so. */
  eof(): void;
  /** `stream`: other limits hold from now on, and what is beyond them costs its stanza and not the stream. */
  allow(limits: Limits): void;
  /** `stream`: a new stream begins on the same connection (RFC 6120 section 4.3.3). */
  restart(): void;
  /** Nothing that arrives is read any more. */
  stop(): void;
  /** Bytes held back until their stanza is whole. */
  readonly pending: number;
};

const EMPTY: Buffer = Buffer.alloc(0);

/** What is left to drop after a fault: text up to a tag, the tag unless it begins a stanza, the rest of the line. */
type Spoiled = 'nothing' | 'text' | 'tag' | 'line';

export function createSplitter(
  mode: 'stream' | 'lines' | 'fragments',
  on: SplitterEvents,
  { limits = LIMITS, build = false, wants }: { limits?: Limits; build?: boolean; wants?: ReadOptions['wants'] } = {},
): Splitter {
  let buf: Buffer = EMPTY;
  let owned = false;
  let start = 0;
  let end = 0;
  let prolog = mode === 'stream';
  let declared = false;
  let restarted = false;
  let stopped = false;
  let scope = CLIENT_SCOPE;
  let progress: Progress | null = null;
  let lookAgainAt = 0;
  let spoiled: Spoiled = 'nothing';
  let skips = false;
  let skip: { readonly over: Skip; readonly why: string } | null = null;
  let tagScan: TagScan = { at: 0, quote: 0 };
  let opening = EMPTY;
  let closing = EMPTY;
  let how: ReadOptions = {
    scope,
    build,
    wants,
    elements: HEAD,
    cut: mode === 'fragments',
    depth: limits.depth,
    attributes: limits.attributes,
  };

  /** Reads what begins with the `<` at start; false: more bytes are needed, or nothing is to be read any more. */
  function stanza(): boolean {
    const over = end - start > limits.bytes && end - start > limit();
    const ripe = progress === null || mayBeWhole(buf, end, progress);
    if (!ripe && !over && (mode !== 'fragments' || end - start < lookAgainAt)) return false;
    const after = read(buf, start, over ? start + limit() + 1 : end, how);
    if (over && (after < 0 || after - start > limit()))
      throw new XmlError('policy-violation', `a stanza of more than ${limit()} bytes`, start + limit(), true);
    if (after < 0) {
      if (progress === null) progress = progressFrom(start, mode === 'fragments');
      else if (ripe) progress.watch = false;
      lookAgainAt = 2 * (end - start);
      return false;
    }
    const from = start;
    start = after;
    progress = null;
    const { canonical, name, ns, tree } = found;
    on.stanza({ buf, start: from, end: after, canonical, name, ns, tree, behind: end - after, scope });
    return true;
  }

  /** How many bytes the stanza at start may have. */
  function limit(): number {
    return buf.toString('latin1', start, start + 3) === '<iq' ? limits.iqBytes : limits.bytes;
  }

  /** @throws XmlError if a tag of the stream itself is longer than any that means well */
  function tagTooLong(to = end): false {
    if (to - start > TAG_LIMIT)
      throw new XmlError('policy-violation', `a stream header of more than ${TAG_LIMIT} bytes`, start + TAG_LIMIT);
    return false;
  }

  /** RFC 6120 section 4.2: an optional XML declaration, then the stream's start tag. */
  function header(): boolean {
    if (buf[start + 1] === 0x3f && !declared) {
      const close = buf.indexOf('?>', start);
      if (close < 0 || close + 2 > end) return tagTooLong();
      tagTooLong(close + 2);
      checkDeclaration(buf, start, close + 2);
      declared = true;
      start = close + 2;
      return true;
    }
    const close = tagEnd(buf, start, end, tagScan);
    if (close < 0) return tagTooLong();
    tagTooLong(close + 1);
    const begun = readHeader(buf, start, close, how);
    ({ opening, closing, scope } = begun);
    how = { ...how, scope };
    prolog = false;
    start = close + 1;
    on.header?.(begun.element);
    return true;
  }

  function closeTag(): boolean {
    const here = Math.min(closing.length, end - start);
    let i = start + here;
    if (buf.compare(closing, 0, here, start, i) !== 0) wrongEnd();
    if (here < closing.length) return false;
    while (i < end && SPACE[buf[i]!]) i++;
    if (i === end) return tagTooLong();
    if (buf[i] !== 0x3e) wrongEnd();
    start = i + 1;
    stopped = true;
    on.close?.();
    return false;
  }

  function wrongEnd(): never {
    throw new XmlError('not-well-formed', 'an end tag that does not match', start);
  }

  /** Whether the stream's start tag comes again. Its element would not end before the stream does. */
  function secondHeader(): boolean {
    if (buf[start + 1] !== opening[1]) return false;
    const after = start + opening.length;
    if (after >= end || NAME_CHAR[buf[after]!] || buf[after] === 0x3a) return false;
    return buf.compare(opening, 0, opening.length, start, after) === 0;
  }

  /** Passes over a stanza, as far as it has arrived. */
  function skipOn({ over, why }: NonNullable<typeof skip>): boolean {
    const after = over.push(buf, start, end);
    start = after < 0 ? end : after;
    if (after < 0) return false;
    skip = null;
    const prefix = prefixOf(over.name);
    const ns =
      prefix === ''
        ? (over.attrs.xmlns ?? scope.defaultNs)
        : (over.attrs[`xmlns:${prefix}`] ?? scope.prefixes.get(prefix) ?? '');
    on.skipped?.({ name: over.name.slice(over.name.indexOf(':') + 1), ns, attrs: over.attrs, why });
    return true;
  }

  function step(): boolean {
    if (skip !== null) return skipOn(skip);
    if (spoiled !== 'nothing' && !passOver()) return false;
    // The declaration may come only at the very beginning (XML 1.0 section 2.8); but what stands before the second stream
    // of a connection may belong to the first one (RFC 6120 section 11.7).
    const gap = start;
    while (start < end && SPACE[buf[start]!]) start++;
    if (prolog && start > gap && !restarted) declared = true;
    if (start === end) return false;
    if (buf[start] !== 0x3c) throw new XmlError('not-well-formed', 'text between stanzas', start);
    if (start + 1 === end) return false;
    if (prolog) return header();
    if (mode === 'stream') {
      if (buf[start + 1] === 0x2f) return closeTag();
      if (secondHeader()) throw new XmlError('unsupported-stanza-type', 'a second stream header', start);
    }
    return stanza();
  }

  /** Drops what a fault has spoiled, as far as it has arrived; true: what comes now is to be read. */
  function passOver(): boolean {
    if (spoiled === 'text') {
      while (start < end && buf[start] !== 0x3c && buf[start] !== 0x0a) start++;
      if (start === end) return false;
      spoiled = 'tag';
    }
    if (spoiled === 'tag' && !beginsStanza(buf, start, end)) {
      if (mayBeginStanza(buf, start, end)) return false;
      spoiled = 'line';
    }
    if (spoiled === 'line') {
      const line = buf.indexOf(0x0a, start);
      const ended = line >= 0 && line < end;
      start = ended ? line + 1 : end;
      if (!ended) return false;
    }
    spoiled = 'nothing';
    return true;
  }

  function recover(error: XmlError): void {
    progress = null;
    if (mode === 'lines') {
      spoiled = 'line';
      start = Math.max(start, Math.min(error.at, end));
    } else if (buf[start] !== 0x3c) spoiled = 'text';
    else {
      spoiled = error.at > start ? 'tag' : 'line';
      start = error.at;
    }
  }

  function run(): void {
    while (!stopped) {
      try {
        if (!step()) break;
      } catch (error) {
        if (!(error instanceof XmlError)) throw error;
        if (skips && error.mild && !prolog) {
          progress = null;
          skip = { over: createSkip(), why: error.message };
          continue;
        }
        if (mode === 'stream') stopped = true;
        else recover(error);
        on.fault(error);
      }
    }
  }

  /** Moves what is held back into memory of our own: the chunk's belongs to the caller. */
  function keep(size: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(4096, size));
    buf.copy(grown, 0, start, end);
    if (progress !== null) {
      progress.at -= start;
      progress.tag -= start;
    }
    end -= start;
    start = 0;
    buf = grown;
    owned = true;
  }

  return {
    push(chunk) {
      if (stopped) return;
      if (start === end) {
        buf = chunk;
        owned = false;
        start = 0;
        end = chunk.length;
      } else {
        if (buf.length - end < chunk.length) keep(2 * (end - start + chunk.length));
        chunk.copy(buf, end);
        end += chunk.length;
      }
      run();
      if (start === end || stopped) {
        start = end = 0;
        buf = EMPTY;
      } else if (!owned) keep(2 * (end - start));
    },
    eof() {
      lookAgainAt = 0;
      if (start < end) run();
      if (start < end && spoiled === 'nothing')
        on.fault(new XmlError('not-well-formed', 'a stanza that was not finished', end));
      start = end = 0;
      buf = EMPTY;
      progress = null;
      spoiled = 'nothing';
    },
    allow(next) {
      limits = next;
      how = { ...how, depth: next.depth, attributes: next.attributes };
      skips = true;
    },
    restart() {
      prolog = restarted = true;
      declared = false;
      tagScan = { at: 0, quote: 0 };
      scope = CLIENT_SCOPE;
      how = { ...how, scope };
    },
    stop() {
      stopped = true;
    },
    get pending() {
      return end - start;
    },
  };
}
