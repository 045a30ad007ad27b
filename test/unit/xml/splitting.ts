/** A splitter under test: chunks go in, what it says comes out as plain data. */
import type { XmlFault } from '../../../lib/xml/chars.ts';
import { createSplitter, type Limits, type Splitter } from '../../../lib/xml/split.ts';
import { canonical } from '../../../lib/xml/write.ts';
import { type Plain, plain } from './judge.ts';

export type Heard = {
  stanzas: Plain[];
  /** The same as text that may be handed on. */
  texts: string[];
  headers: string[];
  closed: number;
  faults: XmlFault[];
};

export type Watched = Heard & { splitter: Splitter; push(...chunks: (Buffer | string | Buffer[])[]): void };

type Hooks = { stanza?(s: Watched, behind: number): void; limits?: Limits; build?: boolean };

/** The chunks go through one buffer that is overwritten after each push, as a socket does it. */
export function watch(mode: 'stream' | 'lines' | 'fragments', { stanza, limits, build = true }: Hooks = {}): Watched {
  const heard: Heard = { stanzas: [], texts: [], headers: [], closed: 0, faults: [] };
  let scratch = Buffer.alloc(65_536);
  const splitter = createSplitter(
    mode,
    {
      stanza(piece) {
        if (piece.tree) heard.stanzas.push(plain(piece.tree));
        heard.texts.push(
          piece.canonical || !piece.tree ? piece.buf.toString('utf8', piece.start, piece.end) : canonical(piece.tree),
        );
        stanza?.(watched, piece.behind);
      },
      header: (element) => void heard.headers.push(canonical(element)),
      close: () => void heard.closed++,
      fault: (error) => void heard.faults.push(error.fault),
    },
    { build, ...(limits && { limits }) },
  );
  const watched: Watched = {
    ...heard,
    get closed() {
      return heard.closed;
    },
    splitter,
    push(...chunks) {
      for (const chunk of chunks.flat()) {
        const bytes = Buffer.from(chunk as Buffer);
        if (bytes.length > scratch.length) scratch = Buffer.alloc(bytes.length);
        bytes.copy(scratch);
        splitter.push(scratch.subarray(0, bytes.length));
        scratch.fill(0xff, 0, bytes.length);
      }
    },
  };
  return watched;
}

/** What was heard, as data that can be compared. */
export const heardBy = ({ stanzas, texts, headers, closed, faults }: Watched): Heard => ({
  stanzas,
  texts,
  headers,
  closed,
  faults,
});

export const HEADER =
  "<?xml version='1.0'?><stream:stream from='example.org' id='1' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:s='urn:s'>";
