import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBatch } from '../../../lib/session/batch.ts';
import { mkfifos } from '../../../lib/sys/mkfifo.ts';
import { type Feed, readStanzas } from '../../../lib/xml/feed.ts';
import { createSplitter } from '../../../lib/xml/split.ts';
import { canonical } from '../../../lib/xml/write.ts';
import { treeOf } from '../../../lib/xmpp/stream/route.ts';
import { runs } from '../../runs.ts';
import { scratch } from '../sys/scratch.ts';
import { cut, cuts, nested } from './arbitrary.ts';
import { judge, type Plain, plain } from './judge.ts';
import { HEADER } from './splitting.ts';

type Heard = { trees: Plain[]; raws: string[]; skipped: string[]; log: string[] };
type Reader = Heard & { feed: Feed; ended: Promise<void> };

function listen(fd: number, limits?: Parameters<typeof readStanzas>[2]): Reader {
  const heard: Heard = { trees: [], raws: [], skipped: [], log: [] };
  let over: () => void;
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const feed = readStanzas(
    fd,
    {
      stanza(tree, raw) {
        heard.trees.push(plain(tree));
        heard.raws.push(raw.toString());
        heard.log.push('stanza');
      },
      batchEnd: () => void (heard.log.at(-1) !== 'batch' && heard.log.push('batch')),
      skipped(why) {
        heard.skipped.push(why);
        heard.log.push('skipped');
      },
      end() {
        heard.log.push('end');
        over();
      },
    },
    limits,
  );
  return { ...heard, feed, ended };
}

/** A pipe: where to read, and a stream that writes. */
async function pipe(): Promise<{ fd: number; writer: fs.WriteStream }> {
  const file = path.join(scratch(), 'fifo');
  await mkfifos([file]);
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  return { fd, writer: fs.createWriteStream(file, { flags: 'a' }) };
}

it('reads from a pipe what sj judged and handed on: the same bytes have the same borders in both', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(nested, { minLength: 1, maxLength: 40 }),
      cuts,
      cuts,
      async (texts, arriving, leaving) => {
        const batch = createBatch();
        const judged: Plain[] = [];
        const out: Buffer[] = [];
        const splitter = createSplitter('stream', {
          stanza(piece) {
            judged.push(plain(treeOf(piece)));
            batch.put(piece.canonical ? piece : canonical(treeOf(piece)));
          },
          fault(error) {
            throw error;
          },
        });
        splitter.push(Buffer.from(HEADER));
        for (const chunk of cut(Buffer.from(texts.join('\n')), arriving)) {
          splitter.push(chunk);
          out.push(batch.take() ?? Buffer.alloc(0));
        }
        const lines = Buffer.concat(out);
        expect(lines.toString().split('\n')).toHaveLength(texts.length + 1);

        const { fd, writer } = await pipe();
        const daemon = listen(fd);
        for (const chunk of leaving === 'each' ? [lines] : cut(lines, leaving)) writer.write(chunk);
        writer.end();
        await daemon.ended;
        expect(daemon).toMatchObject({ trees: judged, skipped: [] });
        const saxes = judge(`<w xmlns='jabber:client' xmlns:s='urn:s'>${texts.join('')}</w>`);
        expect(daemon.trees).toEqual(saxes?.children);
      },
    ),
    { numRuns: runs(30) },
  );
});

it('takes no part of a stanza for a stanza, whatever is wrong with it: what stands in it is the words of others', async () => {
  const inner = `<message from='boss@x.example'><body>pay</body></message>`;
  const bad = [
    `<presence>${inner}</wrong>${inner}`,
    `${inner.slice(0, -1)}`,
    `<a>${'<b>'.repeat(9)}${inner}`,
    `x${inner}`,
  ];
  const good = [`<presence>${inner}</presence>`, `<message><presence/>${inner}</message>`];
  // Cut by the limit of size just where it begins.
  bad.push(`<message>${'x'.repeat(191)}${inner}</message>`);
  const { fd, writer } = await pipe();
  const reader = listen(fd, { bytes: 200, iqBytes: 200, depth: 9, attributes: 9 });
  for (const line of [...bad.slice(2), ...good, bad[0]]) for (const byte of `${line}\n`) writer.write(byte);
  writer.end(bad[1]);
  await reader.ended;
  expect(reader.raws).toEqual(good);
  expect(reader.skipped).toHaveLength(bad.length);
});

const INPUT = "<message>\n  <body>a</body>\n</message>\n<iq id='1'/> <presence/>";

it('reads a file, pretty-printed or not', async () => {
  const file = path.join(scratch(), 'stanzas');
  fs.writeFileSync(file, INPUT);
  const reader = listen(fs.openSync(file, 'r'));
  await reader.ended;
  expect(reader).toMatchObject({
    raws: ['<message>\n  <body>a</body>\n</message>', "<iq id='1'/>", '<presence/>'],
    skipped: [],
    log: ['stanza', 'stanza', 'stanza', 'batch', 'end'],
  });
});

it('reads nothing from /dev/null', async () => {
  const reader = listen(fs.openSync('/dev/null', 'r'));
  await reader.ended;
  expect(reader.log).toEqual(['batch', 'end']);
});

it('skips what is no stanza with a word about it, also at the end', async () => {
  const { fd, writer } = await pipe();
  const reader = listen(fd);
  writer.end('hello\n<iq id="1">&x;</iq>\n<presence/>\n<message>');
  await reader.ended;
  expect(reader.raws).toEqual(['<presence/>']);
  expect(reader.skipped).toEqual([
    'text between stanzas',
    'an entity that is not predefined',
    'a stanza that was not finished',
  ]);
  expect(reader.log.slice(-3)).toEqual(['skipped', 'batch', 'end']);
});

it('has limits', async () => {
  const { fd, writer } = await pipe();
  const reader = listen(fd, { bytes: 20, iqBytes: 30, depth: 2, attributes: 1 });
  writer.end(
    `<message>${'x'.repeat(20)}</message>\n<a><b><c/></b></a>\n<iq a='' b=''/>\n<iq a='${'x'.repeat(10)}'/>\n`,
  );
  await reader.ended;
  expect(reader.raws).toEqual(["<iq a='xxxxxxxxxx'/>"]);
  expect(reader.skipped).toHaveLength(3);
});

it('stops while it is told to', async () => {
  const { fd, writer } = await pipe();
  const reader = listen(fd);
  reader.feed.pause();
  const count = 20_000;
  writer.end('<presence/>\n'.repeat(count));
  // Another pipe that is read meanwhile from end to end shows that there was time to read this one.
  const other = await pipe();
  const witness = listen(other.fd);
  other.writer.end('<iq/>');
  await witness.ended;
  expect(reader.raws).toHaveLength(0);
  reader.feed.resume();
  await reader.ended;
  expect(reader.raws).toHaveLength(count);
});

it('refuses a descriptor that is not open', () => {
  expect(() => listen(1_000_000)).toThrow(/EBADF/);
});
