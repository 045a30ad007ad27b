/**
 * How fast XML is read: `npx tsx bench/xml.ts [CHECKOUT]`. Each row is bytes per second, the median of rounds, and the
 * ratio to a reference taken in the same round: `Buffer.indexOf` that finds each `<` of the same bytes. With
 * another checkout both are run in turns, and the last column says how many times as fast this one is.
 */
import path from 'node:path';
import { median } from './measure.ts';
import { type Input, load, measure, reference } from './reader.ts';

const ROUNDS = 15;

const BODIES = [
  'ok',
  'The quick brown fox jumps over the lazy dog &amp; asks: isn&apos;t it late?',
  'Wann kommst du? Ich wäre gegen acht da, früher geht’s nicht.',
  'See https://example.org/a?b=c&amp;d=e 😀',
];

/** A chat message as a client writes it and a server hands it on, some 330 bytes. */
const chat = (n: number, body: string) =>
  `<message from='romeo${n % 20}@montague.example/phone.4f2a' to='juliet@capulet.example/sj' type='chat' id='m${n}' xml:lang='en'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><stanza-id xmlns='urn:xmpp:sid:0' by='juliet@capulet.example' id='${1e9 + n}'/></message>`;

const presence = (n: number) =>
  `<presence from='romeo${n % 20}@montague.example/phone.${n}' to='juliet@capulet.example/sj' xml:lang='en'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/><x xmlns='vcard-temp:x:update'><photo>5b1c3f</photo></x></presence>`;

const many = (one: (n: number) => string) => Buffer.from(Array.from({ length: 3000 }, (_, n) => one(n)).join('\n'));

const ASCII = many((n) => chat(n, 'Hello there, this is an ordinary line of chat.'));
const MIXED = many((n) => (n % 5 === 4 ? presence(n) : chat(n, BODIES[n % 4]!)));
const CYRILLIC = many((n) => chat(n, 'Как дела? Я буду дома около восьми, раньше не получится.'));
const LARGE = many((n) => (n < 8 ? chat(n, 'All work and no play. '.repeat(11_800)) : ''));
const HUGE = Buffer.from(chat(1, 'All work and no play. '.repeat(381_300)));

type Row = Input & { readonly name: string };
const rows: Row[] = [
  { name: 'split, messages', bytes: ASCII, chunk: 65_536, mode: 'stream', build: false },
  { name: 'split, mixed', bytes: MIXED, chunk: 65_536, mode: 'stream', build: false },
  { name: 'split, mixed, 1460', bytes: MIXED, chunk: 1460, mode: 'stream', build: false },
  { name: 'split, cyrillic', bytes: CYRILLIC, chunk: 65_536, mode: 'stream', build: false },
  { name: 'split, from in', bytes: MIXED, chunk: 65_536, mode: 'fragments', build: false },
  { name: 'trees, messages', bytes: ASCII, chunk: 65_536, mode: 'fragments', build: true },
  { name: 'trees, mixed', bytes: MIXED, chunk: 65_536, mode: 'fragments', build: true },
  { name: 'split, 256 KiB each', bytes: LARGE, chunk: 65_536, mode: 'stream', build: false },
  { name: 'trees, 256 KiB each', bytes: LARGE, chunk: 65_536, mode: 'fragments', build: true },
  { name: 'split, 8 MiB by 1 KiB', bytes: HUGE, chunk: 1024, mode: 'stream', build: false },
];

async function main(checkout: string | undefined): Promise<void> {
  const ours = await load(path.join(import.meta.dirname, '..'));
  const other = checkout === undefined ? null : await load(checkout);
  console.log(`${''.padEnd(24)}    MB/s   % of indexOf${other === null ? '' : '   other   ratio'}`);
  for (const row of rows) {
    const mine: number[] = [];
    const theirs: number[] = [];
    const shares: number[] = [];
    const ratios: number[] = [];
    measure(row, ours);
    for (let i = 0; i < ROUNDS; i++) {
      const speed = measure(row, ours);
      mine.push(speed);
      shares.push((100 * speed) / reference(row.bytes));
      if (other === null) continue;
      const slower = measure(row, other);
      theirs.push(slower);
      ratios.push(speed / slower);
    }
    const columns = [(median(mine) / 1e6).toFixed(0).padStart(8), median(shares).toFixed(1).padStart(15)];
    if (other !== null)
      columns.push((median(theirs) / 1e6).toFixed(0).padStart(8), median(ratios).toFixed(2).padStart(8));
    console.log(row.name.padEnd(24) + columns.join(''));
  }
}

void main(process.argv[2]);
