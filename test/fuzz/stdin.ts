/** Mutated stanzas and control elements into the standard input of each daemon, alone. */

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bend } from './bend.ts';
import { RARE, readCorpus, stanzasOf } from './corpus.ts';
import { memoryOf, PATIENCE, read, spins, startJob, until } from './job.ts';
import { chunks, spoil } from './mutate.ts';
import { type Complaint, judgeEnd, judgeLines, judgeMemory, judgePlace, judgeStderr, judgeTree } from './oracle.ts';
import { makePlace, type Place } from './place.ts';
import { createRandom, type Random } from './random.ts';

export const DAEMONS = ['messaged', 'presenced', 'iqd'] as const;

export type StdinCase = {
  kind: 'stdin';
  daemon: (typeof DAEMONS)[number];
  /** Whether it is told that sj keeps account. */
  ack: boolean;
  end: 'eof' | 'term' | 'bye';
  /** How often it gets all of that: what comes again costs no memory. */
  rounds: number;
  /** For the borders of what is written at once. */
  seed: string;
  /** Bytes as characters. */
  inputs: string[];
};

const NS = "xmlns='urn:x-sj:session'";
const CONTROLS = [
  `<session ${NS} id='s1' n='0'/>`,
  `<session ${NS} id='s1' n='12' resumed='true'/>`,
  `<session ${NS} id='s2' n='4294967295' resumed='true'/>`,
  `<sent ${NS} n='5'/>`,
  `<refused ${NS} n='5' reason='too big'/>`,
  `<done ${NS} n='17'/>`,
  `<again ${NS} n='3'/>`,
  `<hello ${NS}/>`,
];

const sessions = readCorpus();
const FROM_SERVERS = [...stanzasOf(sessions, 'server'), ...RARE];
const POOL = [...FROM_SERVERS, ...stanzasOf(sessions, 'client'), ...CONTROLS];

const FOR = { messaged: '<message', presenced: '<presence', iqd: '<iq' } as const;

export function makeStdinCase(seed: string): StdinCase {
  const r = createRandom(seed);
  const daemon = r.pick(DAEMONS);
  const own = FROM_SERVERS.filter((stanza) => stanza.startsWith(FOR[daemon]));
  const ack = r.chance(0.6);
  const inputs: string[] = [];
  if (ack && r.chance(0.9)) inputs.push(CONTROLS[r.int(3)]!);
  const bad = r.pick([0.02, 0.3, 0.8]);
  for (let i = 400; i > 0; i--) inputs.push(makeInput(r, own, ack, bad));
  const rounds = r.chance(0.06) ? 16 : 1;
  return {
    kind: 'stdin',
    daemon,
    rounds,
    ack,
    end: r.pick(ack ? ['eof', 'term', 'bye'] : ['eof', 'term']),
    seed,
    inputs,
  };
}

/** @param bad how likely it is not well-formed */
function makeInput(r: Random, own: readonly string[], ack: boolean, bad: number): string {
  const text = r.chance(ack ? 0.2 : 0.02) ? r.pick(CONTROLS) : r.pick(r.chance(0.85) ? own : POOL);
  if (r.chance(0.05)) return text;
  return r.chance(bad) ? spoil(r, text, POOL) : bend(r, text, POOL);
}

/** Ends whatever has begun: a value, a comment, a section, so many elements. */
const reset = (depth: number) => `\n">'>]]>-->?>${'</x>'.repeat(depth)}\n</x>\n`;

const CONTACT = 'probe@x.example';

/** What shows that the daemon still works: what to say, and whether it has been understood. */
const PROBES: Record<
  StdinCase['daemon'],
  (place: Place, n: number) => { say: string; seen(sent: () => string): boolean }
> = {
  messaged: ({ dir }, n) => ({
    say: `<message from='${CONTACT}/r' type='chat' id='p${n}'><body>probe ${n}.</body></message>`,
    seen: () => read(path.join(dir, CONTACT, 'out')).includes(`probe ${n}.`),
  }),
  presenced: ({ dir }, n) => ({
    say: `<presence from='${CONTACT}/r'><status>probe ${n}.</status></presence>`,
    seen: () => read(path.join(dir, CONTACT, 'presence')).includes(`probe ${n}.`),
  }),
  iqd: (_, n) => ({
    say: `<iq type='get' id='probe${n}' from='${CONTACT}/r'><q xmlns='urn:none'/></iq>`,
    seen: (sent) => sent().includes(`id='probe${n}'`),
  }),
};

const EVERY = 50;

export async function runStdinCase({ daemon, ack, end, seed, inputs, rounds }: StdinCase): Promise<Complaint[]> {
  const r = createRandom(`${seed} borders`);
  const place = makePlace();
  createRuntime(place);
  const argv = [
    daemon,
    '-d',
    place.dir,
    '-o',
    '/dev/fd/3',
    ...(daemon === 'messaged' ? ['-j', 'alice@example.org'] : []),
  ];
  const env = { ...(ack && { SJ_ACK: '1' }), SJ_JID: 'alice@example.org' };
  const job = startJob(place, argv, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env });
  let sent = '';
  job.stream(3).on('data', (chunk: Buffer) => {
    sent += chunk.toString('latin1');
  });
  const found: Complaint[] = [];
  const say = (text: string): Promise<void> =>
    new Promise((resolve) => job.stdin.write(Buffer.from(text, 'latin1'), () => resolve()));

  async function probe(n: number): Promise<boolean> {
    const { say: words, seen } = PROBES[daemon](place, n);
    for (let i = 0; i < 3; i++) {
      const session = ack ? `<session ${NS} id='probe ${n} ${i}' n='1'/>\n` : '';
      await Promise.race([say(`${reset(i === 0 ? 20 : 6000)}${session}${words}\n`), job.end()]);
      if (await until(() => job.ended !== null || seen(() => sent), i < 2 ? 1000 : PATIENCE)) return job.ended === null;
    }
    return false;
  }

  const sizes: number[] = [];
  async function measure(): Promise<void> {
    const size = await memoryOf(place, job.pid);
    if (size !== null) sizes.push(size);
  }

  for (let round = 0; round < rounds && found.length === 0; round++) {
    for (let at = 0; at < inputs.length && job.ended === null; at += EVERY) {
      const data = Buffer.from(inputs.slice(at, at + EVERY).join('\n') + '\n', 'latin1');
      for (const chunk of chunks(r, data)) await Promise.race([say(chunk.toString('latin1')), job.end()]);
      const n = round * inputs.length + at;
      if (job.ended === null && !(await probe(n))) {
        if (job.ended === null) found.push({ what: 'deaf', detail: `no answer after input ${n + EVERY}` });
        break;
      }
    }
    if (round % 2 === 1 && job.ended === null) await measure();
  }
  if (job.ended === null && found.length === 0) {
    if (await spins(job.pid)) found.push({ what: 'spin', detail: 'busy with nothing to do' });
    await measure();
    found.push(...judgeMemory(sizes));
  }
  if (end === 'term') job.child.kill('SIGTERM');
  else job.stdin.end(end === 'bye' ? `\n<bye ${NS}/>\n` : '');
  found.push(...judgeEnd(await job.end(), [0]));
  job.kill();
  found.push(...judgeStderr(job.err()), ...judgeLines(sent), ...judgePlace(place), ...judgeTree(place));
  place.remove();
  return found;
}

function createRuntime({ dir }: Place): void {
  for (const name of [CONTACT, 'bob@example.org']) fs.mkdirSync(path.join(dir, name), { mode: 0o700 });
  const ext = path.join(dir, 'ext');
  fs.mkdirSync(ext, { mode: 0o700 });
  fs.writeFileSync(path.join(ext, 'x:file'), '', { mode: 0o600 });
  fs.writeFileSync(path.join(ext, 'x:program'), '#!/bin/sh\ncat\n', { mode: 0o700 });
  fs.writeFileSync(path.join(ext, 'x:slow'), '#!/bin/sh\nsleep 1\n', { mode: 0o700 });
  execFileSync('mkfifo', ['-m', '600', path.join(ext, 'x:fifo')]);
}
