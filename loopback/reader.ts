import { SaxesParser, type SaxesTagNS } from 'saxes';
import { type Element, el, NS } from './xml.ts';

/** Why a stream ends: a condition of RFC 6120, 4.9.3. */
export class StreamError extends Error {
  readonly condition: string;
  /** What the condition of an application says (4.9.4). */
  readonly details: Element | undefined;

  constructor(condition: string, text = '', details?: Element) {
    super(text);
    this.condition = condition;
    this.details = details;
  }
}

/** What the opening tag of a stream said. */
export type Header = { attrs: Record<string, string>; name: string; ns: string; contentNs: string };

export type StreamHandlers = { open(header: Header): void; stanza(e: Element): void; close(): void };

export type Reader = {
  /**
   * Takes bytes of the stream and calls the handlers for what is complete.
   * @returns what came behind the place where a handler called `stop`
   * @throws StreamError
   */
  write(bytes: Uint8Array): string;
  /** Called by a handler: this stream ends here, whatever the bytes behind this element are, they are not XML of it. */
  stop(): void;
};

/** Deeper than any real stanza; keeps the recursion of `write` in xml.ts harmless. */
const DEPTH = 100;

/** Reads one stream (until its restart): `limit` is the greatest size of a stanza in bytes. */
export function createReader(limit: number, on: StreamHandlers): Reader {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const parser = new SaxesParser({ xmlns: true, defaultXMLVersion: '1.0', forceXMLVersion: true } as const);
  const open: Element[] = [];
  let depth = 0;
  let stopped = false;
  let bytesSince = 0;
  let mark = 0;
  // Places are counted in UTF-16 units since the start; `consumed` is where `chunk` begins.
  let consumed = 0;
  let chunk = '';

  const restricted = () => {
    if (!stopped) throw new StreamError('restricted-xml');
  };
  parser.on('comment', restricted);
  parser.on('processinginstruction', restricted);
  parser.on('doctype', restricted);
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') throw new StreamError('unsupported-encoding');
  });
  parser.on('error', (error) => {
    if (stopped) return;
    throw new StreamError(/entity/.test(error.message) ? 'restricted-xml' : 'not-well-formed', error.message);
  });

  /** What was read up to here belonged to a whole stanza: the next one is counted from here. */
  const border = () => {
    const here = parser.position;
    measure(here);
    mark = here;
    bytesSince = 0;
  };
  const measure = (upTo: number) => {
    bytesSince += Buffer.byteLength(chunk.slice(Math.max(mark, consumed) - consumed, upTo - consumed));
    if (bytesSince > limit) throw new StreamError('policy-violation', `a stanza is larger than ${limit} bytes`);
  };

  parser.on('opentag', (tag) => {
    if (stopped) return;
    depth++;
    if (depth > DEPTH) throw new StreamError('policy-violation', `elements are nested deeper than ${DEPTH}`);
    if (depth === 1) {
      on.open({ attrs: attributes(tag), name: tag.local, ns: tag.uri, contentNs: tag.ns[''] ?? '' });
      border();
      return;
    }
    const e = el(tag.local, tag.uri, attributes(tag));
    open.at(-1)?.children.push(e);
    open.push(e);
  });
  parser.on('closetag', () => {
    if (stopped) return;
    depth--;
    if (depth === 0) return on.close();
    const e = open.pop()!;
    if (depth > 1) return;
    border();
    on.stanza(e);
  });
  const characters = (s: string) => {
    if (stopped || depth === 0) return;
    const parent = open.at(-1);
    if (parent !== undefined) parent.children.push(s);
    else if (s.trim() !== '') throw new StreamError('bad-format', 'text between stanzas');
  };
  parser.on('text', characters);
  parser.on('cdata', characters);

  return {
    write(bytes) {
      let decoded: string;
      try {
        decoded = decoder.decode(bytes, { stream: true });
      } catch {
        throw new StreamError('unsupported-encoding', 'not UTF-8');
      }
      consumed += chunk.length;
      chunk = decoded;
      parser.write(decoded);
      if (stopped) return chunk.slice(mark - consumed);
      measure(consumed + chunk.length);
      // White space between stanzas keeps the connection alive and is part of none of them.
      if (open.length === 0 && chunk.slice(Math.max(mark - consumed, 0)).trim() === '') bytesSince = 0;
      return '';
    },
    stop: () => {
      stopped = true;
    },
  };
}

/** Attributes without namespace declarations, but with those that a prefixed attribute needs. */
function attributes(tag: SaxesTagNS): Record<string, string> {
  const out: Record<string, string> = Object.create(null);
  for (const a of Object.values(tag.attributes)) {
    if (a.prefix === 'xmlns' || a.name === 'xmlns') continue;
    if (a.prefix !== '' && a.prefix !== 'xml') out[`xmlns:${a.prefix}`] = a.uri;
    out[a.name] = a.value;
  }
  return out;
}

/** An error as the last thing that a stream says. */
export const streamError = (condition: string, message = '', details?: Element): Element =>
  el(
    'error',
    NS.streams,
    {},
    el(condition, NS.streamError),
    ...(message === '' ? [] : [el('text', NS.streamError, {}, message)]),
    ...(details === undefined ? [] : [details]),
  );
