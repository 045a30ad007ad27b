/** Lays out what a power failure has left, starts messaged on it, and looks whether the promises hold. */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { unseal } from '../../lib/store/seal.ts';
import { createReader } from '../../lib/xmpp/stream/ledger.ts';
import { createTrace } from '../crash/trace.ts';
import { startMessaged } from './messaged.ts';
import type { Left } from './record.ts';

const AFTER = join(import.meta.dirname, 'after.cjs');

export type Finding = {
  readonly wrong: readonly string[];
  /** Messages that the server may have got, of which we know nothing any more; lines that are sent again. */
  readonly forgotten: number;
  readonly again: number;
};

/** Writes the files of a directory. @returns the inodes: of the copy, to that of the original */
export function layOut(dir: string, { files, dirs }: Left): Record<number, number> {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const inodes: Record<number, number> = {};
  for (const path of dirs) fs.mkdirSync(join(dir, path), { recursive: true, mode: 0o700 });
  for (const [path, { bytes, ino }] of files) {
    const file = join(dir, path);
    fs.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(file, bytes, { mode: 0o600 });
    inodes[fs.statSync(file).ino] = ino;
  }
  return inodes;
}

/** @param said what sj had said on stderr until then, its trace; `told` what it had told the server */
export async function check(
  dir: string,
  own: string,
  left: Left,
  said: readonly string[],
  told: string,
): Promise<Finding> {
  const wrong: string[] = [];
  const trace = createTrace();
  for (const line of said) trace.line(line);
  const inodes = layOut(dir, left);
  const ledger = readLedger(dir);
  const env = { NODE_OPTIONS: `--require ${AFTER}`, SJ_INODES: JSON.stringify(inodes) };

  // The counters of both sides agree: what the server was told, in whichever direction, is known after the failure.
  for (const [, id] of told.matchAll(/<message [^>]*?id='([^']*)'/g))
    if (!ledger.taken.has(id!)) wrong.push(`sent before it was kept: ${id}`);
  const [, h = '0'] = [...told.slice(told.lastIndexOf('<enable ')).matchAll(/<a [^>]*?h='(\d+)'/g)].at(-1) ?? [];
  if (ledger.incoming.count < Number(h)) wrong.push(`acknowledged ${h}, and knows of ${ledger.incoming.count}`);

  const first = startMessaged(dir, own, env);
  try {
    await first.begin(ledger.session?.id ?? 'new', ledger.incoming.numbers.messaged);
  } catch (error) {
    first.kill();
    return { wrong: [String(error)], forgotten: 0, again: 0 };
  }
  const found = readChats(dir, wrong);
  const queued = new Set(ledger.outgoing.open.map(({ bytes }) => idOf(bytes.toString())));
  // P1: what is shown as sent has reached the server, or is kept for it.
  for (const id of found.ours)
    if (!trace.taken.has(id) && !queued.has(id)) wrong.push(`shown as sent, and nowhere else: ${id}`);
  // P2: what was acknowledged is there.
  for (const id of trace.done) if (!found.theirs.has(id)) wrong.push(`acknowledged and lost: ${id}`);
  const again = new Set(first.sent);
  const forgotten = [...trace.sent].filter((id) => !found.ours.has(id) && !queued.has(id) && !again.has(id)).length;
  const code = await first.end();
  if (code !== 0 || first.stderr !== '') wrong.push(`messaged: ${code}\n${first.stderr}`);

  // Once more: there is nothing left to be done.
  const before = readChats(dir, wrong).text;
  const second = startMessaged(dir, own, env);
  try {
    await second.begin('another', 0);
    if (second.sent.length > 0) wrong.push(`sent once more: ${second.sent}`);
    await second.end();
  } catch (error) {
    second.kill();
    wrong.push(String(error));
  }
  if (readChats(dir, wrong).text !== before) wrong.push('the second start has changed something');
  return { wrong, forgotten, again: again.size };
}

const idOf = (stanza: string): string => /^<message [^>]*?id='([^']*)'/.exec(stanza)?.[1] ?? '';

function readLedger(dir: string) {
  const reader = createReader();
  const file = join(dir, '.queue');
  const text = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
  let from = 0;
  for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a, from)) {
    const line = unseal(text.subarray(from, end));
    if (line !== null) reader.line(line);
    from = end + 1;
  }
  return reader.kept();
}

/** All that stands in the contacts' files, and whether it stands there as it should. */
function readChats(dir: string, wrong: string[]) {
  const ours = new Set<string>();
  const theirs = new Set<string>();
  let all = '';
  for (const contact of fs.readdirSync(dir).filter((name) => name.includes('@'))) {
    const read = (name: string) => {
      const file = join(dir, contact, name);
      const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
      if (text !== '' && !text.endsWith('\n')) wrong.push(`${contact}/${name} ends in the middle of a line`);
      all += text;
      return text.split('\n').slice(0, -1);
    };
    const bodies: string[] = [];
    for (const line of read('log')) {
      try {
        const { dir: way, id, body } = JSON.parse(line);
        bodies.push(body);
        const known = way === 'out' ? ours : theirs;
        if (known.has(id)) wrong.push(`${contact}/log: twice: ${line}`);
        known.add(id);
      } catch {
        wrong.push(`${contact}/log: ${line}`);
      }
    }
    const shown = read('out').map((line) => /^\d{4}-\d\d-\d\d \d\d:\d\d <[^>]+> (.*)$/.exec(line)?.[1] ?? `? ${line}`);
    if (shown.join('\n') !== bodies.join('\n'))
      wrong.push(`${contact}: out and log tell different stories: ${differs(shown, bodies)}`);
  }
  return { ours, theirs, text: all };
}

function differs(a: readonly string[], b: readonly string[]): string {
  const i = Math.max(
    0,
    a.findIndex((text, i) => text !== b[i]),
  );
  return `${a.slice(i, i + 3)} (of ${a.length}), ${b.slice(i, i + 3)} (of ${b.length})`;
}
