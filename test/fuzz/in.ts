/** Mutated stanzas and bytes into the account's `in`, and lines into those of contacts, by several writers at once. */

import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bend } from './bend.ts';
import { RARE, readCorpus, stanzasOf } from './corpus.ts';
import { group, memoryOf, PATIENCE, read, spins, startJob, until } from './job.ts';
import { spoil } from './mutate.ts';
import { type Complaint, judgeEnd, judgePlace, judgeStderr, judgeTree } from './oracle.ts';
import { makePlace } from './place.ts';
import { createRandom, type Random } from './random.ts';
import { serve } from './server.ts';
import { TEXTS } from './words.ts';

export type Write = {
  /** A contact, or the account itself: the empty string. */
  to: string;
  /** Which of several writers; he keeps it open if he `holds`. */
  writer: number;
  holds: boolean;
  /** Bytes as characters. */
  text: string;
  /** A line like any other, that has to arrive if the one before it is finished. */
  token?: string;
};

export type InCase = { kind: 'in'; seed: string; manages: boolean; inputs: Write[] };

const CONTACTS = ['bob@example.org', 'eve@x.example', 'x.example'];
const sessions = readCorpus();
const OWN = stanzasOf(sessions, 'client');
const POOL = [...OWN, ...stanzasOf(sessions, 'server'), ...RARE];

export function makeInCase(seed: string): InCase {
  const r = createRandom(seed);
  const inputs: Write[] = [];
  const bad = r.pick([0.05, 0.4, 0.9]);
  for (let i = 0; i < 300; i++) {
    const to = r.chance(0.55) ? '' : r.pick(CONTACTS);
    if (to !== '' && r.chance(0.3)) {
      const token = `[${to}#${i}]`;
      inputs.push({ to, writer: r.int(4), holds: r.chance(0.5), text: `${token} plain\n`, token });
      continue;
    }
    const text = to === '' ? makeStanza(r, bad) : makeLine(r, `[${to}#${i}]`);
    inputs.push(...pieces(r, text).map((piece) => ({ to, writer: r.int(4), holds: r.chance(0.6), text: piece })));
  }
  return { kind: 'in', seed, manages: r.chance(0.6), inputs };
}

function makeStanza(r: Random, bad: number): string {
  const text = r.pick(r.chance(0.8) ? OWN : POOL);
  const one = () => (r.chance(bad) ? spoil(r, text, POOL) : bend(r, text, POOL));
  switch (r.int(12)) {
    case 0:
      return one() + one() + one();
    case 1:
      return `<message to='bob@example.org'><body><![CDATA[${r.pick(['<', '&', '>', "'"]).repeat(r.pick([10, 40_000, 60_000, 250_000]))}]]></body></message>\n`;
    case 2:
      return `<iq type='get' id='${i64(r)}' to='x.example'><q xmlns='y'/></iq>\n`;
    default:
      return one() + r.pick(['\n', '\n', '\n', '', '\0', '\n\n']);
  }
}

const i64 = (r: Random) => `i${r.int(1e9)}`;

function makeLine(r: Random, token: string): string {
  switch (r.int(6)) {
    case 0:
      return `${token} ${r.pick(TEXTS)} ${r.pick(TEXTS)}\n`;
    case 1:
      return `${token} ${r.pick(['x', '\xe2\x80\xa8', '<', '\x01', '\xff']).repeat(r.pick([4096, 9000, 65_536, 262_144, 1_048_577]))}\n`;
    case 2:
      return `${token} ${spoil(r, r.pick(POOL), POOL)}${r.chance(0.5) ? '\n' : ''}`;
    case 3:
      return Array.from({ length: r.few(300) }, (_, i) => `${token} ${i}\n`).join('');
    case 4:
      return r.pick(['', '\n', '\r\n', '\0\n', '/me \n', ' \n', '\xef\xbb\xbf\n', '\xe2\x80\xa8\n', '\xe2\x80\xa8']);
    default:
      return Buffer.from(Array.from({ length: r.few(5000) }, () => r.int(256))).toString('latin1');
  }
}

/** As several writers would do it who know nothing of PIPE_BUF. */
function pieces(r: Random, text: string): string[] {
  if (r.chance(0.7)) return [text];
  const found: string[] = [];
  const size = r.pick([1, 4095, 4096, 4097, 8192, 65_536]);
  if (text.length / size > 300) return [text];
  for (let at = 0; at < text.length; at += size) found.push(text.slice(at, at + size));
  return found;
}

const RESET = `\n">'>]]>-->?></x>\n</x>\n`;

export async function runInCase({ manages, inputs }: InCase): Promise<Complaint[]> {
  const place = makePlace();
  const { dir } = place;
  fs.writeFileSync(path.join(dir, 'password'), 'secret-alice\n', { mode: 0o600 });
  for (const name of CONTACTS) fs.mkdirSync(path.join(dir, name), { mode: 0o700 });
  const argv = ['sj', '-I', '-I', '-u', 'alice', '-s', 'example.org', '-r', 'desk', '-d', dir];
  const job = startJob(place, argv, {
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const server = serve(job.stream(7), job.stream(6), manages);
  const alive = () => job.ended === null;
  const found: Complaint[] = [];
  const writers = new Map<string, number>();
  const open = new Map<string, boolean>();
  const expected = new Map<string, string>();
  const ready = () =>
    server.online &&
    CONTACTS.every((name) => fs.statSync(path.join(dir, name, 'in'), { throwIfNoEntry: false })?.isFIFO());
  if (!(await until(() => !alive() || ready()))) found.push({ what: 'hang', detail: 'it does not get online' });

  async function write({ to, writer, holds, text }: Write): Promise<boolean> {
    const key = `${to} ${writer}`;
    let fd = writers.get(key) ?? null;
    // The FIFO is there before its reader.
    if (fd === null) await until(() => !alive() || (fd = openWriter(path.join(dir, to, 'in'))) !== null);
    if (fd === null) return !alive();
    writers.set(key, fd);
    const data = Buffer.from(text, 'latin1');
    const done = await writeAll(fd, data, alive);
    if (!holds) close(key);
    return done;
  }
  function close(key: string): void {
    const fd = writers.get(key);
    if (fd !== undefined) fs.closeSync(fd);
    writers.delete(key);
  }
  const closeAll = () => [...writers.keys()].forEach(close);
  const once = (to: string, text: string) => write({ to, writer: 9, holds: false, text });

  async function probe(n: number): Promise<void> {
    closeAll();
    for (const [i, to] of ['', ...CONTACTS].entries()) {
      const words = `probe ${n} ${i}.`;
      const arrived = () => !alive() || server.messages.some(({ body }) => body.includes(words));
      let seen = false;
      for (let j = 0; j < 3 && !seen; j++) {
        if (to === '')
          await once(to, `${RESET}<message to='bob@example.org' id='probe'><body>${words}</body></message>\n`);
        else await once(to, `\n${words}\n`);
        seen = await until(arrived, j < 2 ? 1000 : PATIENCE);
      }
      if (!seen) found.push({ what: 'deaf', detail: `${to === '' ? 'in' : to} takes nothing more at ${n}` });
    }
    for (const to of CONTACTS) open.set(to, false);
  }

  let early: number[] | null = null;
  for (const [i, input] of inputs.entries()) {
    if (!alive() || found.length > 0) break;
    if (!(await write(input))) found.push({ what: 'stuck', detail: `${input.to}/in takes nothing more` });
    if (input.token !== undefined && !open.get(input.to)) expected.set(input.token, input.to);
    if (input.text !== '') open.set(input.to, !input.text.endsWith('\n'));
    if (i % 100 === 99) {
      await probe(i);
      if (i === 199) early = await memories();
    }
  }
  if (alive() && found.length === 0) await probe(inputs.length);
  closeAll();

  async function memories(): Promise<number[]> {
    const sizes: number[] = [];
    for (const { pid, name } of group(job.pid).sort((a, b) => a.name.localeCompare(b.name)))
      if (/^(sj|messaged|presenced|iqd)$/.test(name)) sizes.push((await memoryOf(place, pid)) ?? 0);
    return sizes;
  }

  if (!alive()) found.push({ what: 'ended', detail: `local input has ended it: ${job.ended}` });
  else if (found.length === 0) {
    await pause(50);
    for (const { pid, name } of group(job.pid)) if (await spins(pid)) found.push({ what: 'spin', detail: name });
    const late = await memories();
    // messaged keeps up to 16 MiB of room for what it writes next.
    early?.forEach((bytes, i) => {
      if (late[i]! - bytes > 30e6) found.push({ what: 'memory', detail: `${early} bytes, later ${late}` });
    });
    for (const [token, to] of expected) {
      const count = server.messages.filter((message) => message.to === to && message.body === `${token} plain`).length;
      if (count !== 1) found.push({ what: count === 0 ? 'lost' : 'doubled', detail: `${token}: ${count}` });
      const shown = read(path.join(dir, to, 'out')).split(`> ${token} plain\n`).length - 1;
      if (shown !== 1 && count === 1) found.push({ what: 'out', detail: `${token} is there ${shown} times` });
    }
  }
  for (const { to, id, body } of server.messages)
    for (const [, whose] of id.startsWith('m') ? body.matchAll(/\[([^[\]#]+)#\d+\]/g) : [])
      if (whose !== to && CONTACTS.includes(whose!))
        found.push({ what: 'wrong contact', detail: `${to}: ${body.slice(0, 200)}` });
  job.child.kill('SIGTERM');
  found.push(...judgeEnd(await job.end(), [0]));
  if (!(await until(() => group(job.pid).length === 0, 5000)))
    found.push({
      what: 'left',
      detail: group(job.pid)
        .map(({ name }) => name)
        .join(),
    });
  job.kill();
  found.push(...server.complaints, ...judgeStderr(job.err()), ...judgePlace(place), ...judgeTree(place));
  place.remove();
  return found;
}

function openWriter(file: string): number | null {
  try {
    return fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

/** @returns false if it could not be written in time */
async function writeAll(fd: number, data: Buffer, alive: () => boolean): Promise<boolean> {
  const end = performance.now() + PATIENCE;
  for (let at = 0; at < data.length; ) {
    try {
      at += fs.writeSync(fd, data, at);
    } catch {
      if (!alive()) return true;
      if (performance.now() > end) return false;
      await pause(2);
    }
  }
  return true;
}
