/** The reading of XML alone, out of the programs: how fast it is. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import v8 from 'node:v8';
import { build } from 'esbuild';

// As the programs run, see build.mjs.
v8.setFlagsFromString('--optimize-for-size');

export type Reader = Pick<typeof import('../lib/xml/split.ts'), 'createSplitter' | 'LIMITS'>;

/** What the processors have spent on this process, in milliseconds: others that use the machine change it little. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** About so long, in milliseconds, is each row of a round. */
const SPELL = 40;

const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

const BODIES = [
  'ok',
  'The quick brown fox jumps over the lazy dog &amp; asks: isn&apos;t it late?',
  'Wann kommst du? Ich wäre gegen acht da, früher geht’s nicht.',
  'See https://example.org/a?b=c&amp;d=e 😀',
];

/** A chat message as a client writes it and a server hands it on, some 330 bytes. */
export const chat = (n: number, body: string) =>
  `<message from='romeo${n % 20}@montague.example/phone.4f2a' to='juliet@capulet.example/sj' type='chat' id='m${n}' xml:lang='en'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><stanza-id xmlns='urn:xmpp:sid:0' by='juliet@capulet.example' id='${1e9 + n}'/></message>`;

const presence = (n: number) =>
  `<presence from='romeo${n % 20}@montague.example/phone.${n}' to='juliet@capulet.example/sj' xml:lang='en'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/><x xmlns='vcard-temp:x:update'><photo>5b1c3f</photo></x></presence>`;

/** A thousand kilobytes, or about that. */
export const many = (one: (n: number) => string) =>
  Buffer.from(Array.from({ length: 3000 }, (_, n) => one(n)).join('\n'));

/** What arrives on an ordinary day. */
export const MIXED = many((n) => (n % 5 === 4 ? presence(n) : chat(n, BODIES[n % 4]!)));

/** Messages in plain English. */
export const PLAIN = many((n) => chat(n, 'Hello there, this is an ordinary line of chat.'));

/** How many stanzas there are. */
export const contents = (bytes: Buffer): number => bytes.toString('latin1').split('\n').length;

export type Input = {
  readonly bytes: Buffer;
  readonly chunk: number;
  readonly mode: 'stream' | 'fragments';
  readonly build: boolean;
};

/** Reads the bytes over and over for a while; bytes per second of CPU. */
export function measure({ bytes, chunk, mode, build }: Input, { createSplitter, LIMITS }: Reader): number {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  let seen = 0;
  const splitter = createSplitter(
    mode,
    {
      stanza: ({ start, end }) => void (seen += end - start),
      fault(error) {
        throw error;
      },
    },
    { build, limits: { ...LIMITS, bytes: 1e8 } },
  );
  if (mode === 'stream') splitter.push(Buffer.from(HEADER));
  const begin = spent();
  let now = begin;
  do {
    for (const piece of chunks) splitter.push(piece);
    now = spent();
  } while (now - begin < SPELL);
  return (seen / (now - begin)) * 1000;
}

/** The same for `indexOf`. */
export function reference(bytes: Buffer): number {
  const begin = spent();
  let seen = 0;
  let now = begin;
  do {
    for (let at = 0; (at = bytes.indexOf(0x3c, at)) >= 0; at++);
    seen += bytes.length;
    now = spent();
  } while (now - begin < SPELL / 4);
  return (seen / (now - begin)) * 1000;
}

/** The same for the least that can cut them into stanzas: it counts the tags that begin and end, and looks at no more. */
export function cutting(bytes: Buffer): number {
  const begin = spent();
  let seen = 0;
  let now = begin;
  do {
    let depth = 0;
    let stanza = 0;
    for (let at = 0; (at = bytes.indexOf(0x3c, at)) >= 0; ) {
      const close = bytes.indexOf(0x3e, at);
      if (depth === 0) stanza = at;
      if (bytes[at + 1] === 0x2f) depth--;
      else if (bytes[close - 1] !== 0x2f) depth++;
      if (depth === 0) seen += close + 1 - stanza;
      at = close;
    }
    now = spent();
  } while (now - begin < SPELL);
  return (seen / (now - begin)) * 1000;
}

/** The reader of a checkout as it is in the programs: bundled. Run from its sources it is ten times as slow. */
export async function load(checkout: string): Promise<Reader> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-bench-'));
  try {
    const outfile = path.join(dir, 'split.cjs');
    const entry = path.resolve(checkout, 'lib/xml/split.ts');
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', target: 'node20.19' });
    return createRequire(import.meta.url)(outfile) as Reader;
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}
