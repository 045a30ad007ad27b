/** A run against one server: traffic both ways, a fault, recovery, and so on. */
import fs from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { child, text } from '../../loopback/xml.ts';
import { passwordOf } from '../interop/bed/hosts.ts';
import { type Kind, makeBed } from '../interop/bed/server.ts';
import { until } from '../interop/bed/until.ts';
import { type Fault, pickFault } from './faults.ts';
import { type Peer, saying, startPeer } from './peer.ts';
import type { Random } from './random.ts';
import { startRelay } from './relay.ts';
import { DOMAIN } from './servers.ts';
import { supervise } from './supervisor.ts';
import { createTail } from './tail.ts';
import { createTally, type Figures, line, type Witness } from './tally.ts';
import { createTrace } from './trace.ts';
import { createWriter } from './writer.ts';

export const US = 'alice';
export const CONTACTS = ['c1', 'c2', 'c3', 'c4', 'c5'] as const;

export type RunOptions = {
  kind: Kind;
  random: Random;
  rounds: number;
  /** What may be done. */
  faults: readonly Fault[];
  /** More for the environment of our programs, which may depend on the account directory. */
  env?: (dir: string) => NodeJS.ProcessEnv;
  /** The directory stays. */
  keep?: boolean;
  say: (text: string) => void;
};

export type Report = {
  /** How long recovery took, in milliseconds, by fault. */
  readonly recovery: ReadonlyMap<string, readonly number[]>;
  readonly figures: Figures;
  /** The largest size of each of our own files, in bytes. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly begun: number;
  readonly resumed: number;
  /** What is wrong, and where the evidence is; empty: all is well. */
  readonly wrong: readonly string[];
  readonly dir: string;
};

/** In milliseconds: between two lines of one side to one contact; between two looks; the longest recovery. */
const PACE = { least: 150, spread: 400 };
const LOOK = 30;
const PATIENCE = 40_000;

/** No file of ours may grow over this, in bytes. */
const LIMITS: Record<string, number> = {
  '.queue': 2 * 1_048_576,
  '.journal': 10 * 1_048_576,
  '.presences': 2 * 1_048_576,
  '.iqs': 2 * 1_048_576,
};

export async function run({ kind, random, rounds, faults, env, keep = false, say }: RunOptions): Promise<Report> {
  const bed = makeBed(kind);
  const recovery = new Map<string, number[]>();
  const sizes = new Map<string, number>();
  const hit = { server: 0, messaged: 0 };
  const peers = new Map<string, Peer>();
  const trace = createTrace();
  const witness: Witness = {
    taken: (id) => trace.taken.has(id),
    done: (contact, n) =>
      [...Array(peers.get(contact)!.tries.get(n) ?? 0).keys()].some((i) => trace.done.has(saying(contact, n, i))),
    accepted: (contact, n) => peers.get(contact)!.acknowledged.has(n),
    sessions(id) {
      // What has arrived was traced before it was sent.
      follow();
      return trace.sessions(id);
    },
    times(id) {
      follow();
      return trace.times(id);
    },
    before(a, b) {
      follow();
      return trace.before(a, b);
    },
    serverHit: (since) => hit.server >= since,
    messagedKilled: (since) => hit.messaged >= since,
  };
  const tally = createTally(CONTACTS, DOMAIN, witness);
  await bed.open();
  const { server } = bed;
  const relay = await startRelay(server.port.starttls);
  const dir = join(server.dir, US);
  fs.mkdirSync(dir, { mode: 0o700 });
  fs.writeFileSync(join(dir, 'password'), `${passwordOf(US)}\n`, { mode: 0o600 });
  const stderr = join(server.dir, 'trace');
  const jid = `${US}@${DOMAIN}`;
  const options = ['-D', '-t', '2', '-c', server.ca, '-d', dir, '-r', 'desk', '-H', `127.0.0.1:${relay.port}`];
  const supervisor = supervise({
    // By turns one that stays and tries again, and one that is started again.
    argv: (start) => ['xmppc', ...(start % 2 === 0 ? ['-k', '-w', '0.05:1'] : []), ...options, jid],
    stderr,
    env: { HOME: server.dir, TZ: 'UTC', SJ_LINGER: '10', ...env?.(dir) },
  });

  for (const user of CONTACTS) {
    const peer = startPeer({
      user,
      password: passwordOf(user),
      port: server.port.direct,
      ca: fs.readFileSync(server.ca, 'utf8'),
      to: jid,
      received(stanza) {
        const body = child(stanza, 'body');
        if (stanza.name === 'message' && body !== undefined) tally.arrived(user, text(body), stanza.attrs.id ?? '');
      },
    });
    peers.set(user, peer);
  }

  const inDir = (...path: string[]) => join(dir, ...path);
  const read = (...path: string[]) => {
    try {
      return fs.readFileSync(inDir(...path), 'utf8');
    } catch {
      return '';
    }
  };
  const bare = (contact: string) => `${contact}@${DOMAIN}`;
  const tails = CONTACTS.flatMap((contact) => [
    { next: createTail(inDir(bare(contact), 'out')), take: (text: string) => tally.out(contact, text) },
    { next: createTail(inDir(bare(contact), 'log')), take: (text: string) => tally.log(contact, text) },
  ]);
  tails.push({ next: createTail(inDir('events')), take: tally.event });
  const traced = createTail(stderr);
  /** Reads the trace and nothing else: it is asked for while the lines of a file are being judged. */
  function follow(): void {
    for (const text of traced()) trace.line(text);
  }
  const look = () => {
    for (const { next, take } of tails) for (const text of next()) take(text);
    follow();
  };
  const online = () => read('state') === `online ${jid}/desk\n`;

  const writers = new Map(
    CONTACTS.map((contact, i) => [
      contact,
      createWriter(inDir(bare(contact), 'in'), i < 3, (text) =>
        tally.wrote(contact, Number(text.split(':')[1]), performance.now()),
      ),
    ]),
  );
  const numbers = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();
  let talking = true;
  const often = (act: () => void) => {
    const again = () => {
      if (!talking) return;
      act();
      const timer = setTimeout(again, PACE.least + Math.random() * PACE.spread);
      timers.add(timer);
    };
    again();
  };
  const conversation = (contact: (typeof CONTACTS)[number]) => {
    often(() => {
      const n = (numbers.get(contact) ?? 0) + 1;
      numbers.set(contact, n);
      writers.get(contact)!.write(line(contact, n));
    });
    often(() => {
      const peer = peers.get(contact)!;
      tally.said(contact, peer.said + 1, performance.now());
      peer.say();
    });
  };
  const statuses = new Map<string, string>();
  const present = (contact: string, status: string) => {
    statuses.set(contact, status);
    peers.get(contact)!.present(status);
  };
  const absent = () =>
    CONTACTS.filter((contact) => read(bare(contact), 'presence') !== `online ${statuses.get(contact)}\n`);

  const unwell = (): string[] => {
    look();
    const problems = tally.missing(marks);
    if (!online()) problems.push(`state: ${read('state').trim()}`);
    for (const contact of absent()) problems.push(`presence of ${contact}: ${read(bare(contact), 'presence').trim()}`);
    for (const name of ['sj', 'messaged', 'presenced', 'iqd'] as const)
      if (supervisor.pids(name).length === 0) problems.push(`${name} does not run`);
    return problems;
  };
  let marks = tally.marks();

  /** @returns whether all is well again */
  async function recovered(): Promise<boolean> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      const problems = unwell();
      if (tally.wrong.length > 0) return false;
      if (problems.length === 0) return true;
      if (performance.now() > end) {
        wrong.push(...problems);
        return false;
      }
      await pause(LOOK);
    }
  }

  function measure(): void {
    for (const name of fs.readdirSync(dir).filter((name) => name.startsWith('.'))) {
      const size = fs.statSync(inDir(name), { throwIfNoEntry: false })?.size ?? 0;
      const known = name.startsWith('.tmp-') ? '.tmp' : name;
      sizes.set(known, Math.max(sizes.get(known) ?? 0, size));
      if (size > (LIMITS[name] ?? Number.POSITIVE_INFINITY)) wrong.push(`${name} has ${size} bytes`);
    }
  }

  const wrong: string[] = [];
  async function strike(fault: Fault): Promise<void> {
    await fault.strike({ random, relay, supervisor, server });
    if (fault.hits !== undefined) hit[fault.hits] = performance.now();
  }

  async function round(i: number): Promise<boolean> {
    const first = pickFault(random, faults);
    const second = random.chance(0.3) ? pickFault(random, faults) : null;
    await pause(random.below(400));
    const start = performance.now();
    present(CONTACTS[i % CONTACTS.length]!, `r${i}`);
    await strike(first);
    if (second !== null) {
      await pause(random.below(1500));
      await strike(second);
    }
    const struck = performance.now();
    // What is said after the fault has to arrive, too: else it may not have been noticed yet.
    marks = tally.marks(1);
    const well = await recovered();
    const end = performance.now();
    const name = second === null ? first.name : `${first.name}, ${second.name}`;
    say(
      `${String(i).padStart(4)}  ${name.padEnd(40)} ${ms(struck - start)} + ${ms(end - struck)}${well ? '' : '  WRONG'}`,
    );
    const key = second === null ? first.name : 'two of them';
    recovery.set(key, [...(recovery.get(key) ?? []), end - struck]);
    measure();
    return well && wrong.length === 0;
  }

  async function begin(): Promise<void> {
    await until('the account to be online', online, () => read('state') + fs.readFileSync(stderr, 'utf8'));
    for (const contact of CONTACTS) {
      await until(`${contact} to be online`, () => peers.get(contact)!.online);
      fs.mkdirSync(inDir(bare(contact)), { mode: 0o700 });
      fs.appendFileSync(inDir('in'), `<presence to='${bare(contact)}' type='subscribe'/>`);
      present(contact, 'r0');
    }
    await until('presences', () => absent().length === 0);
    for (const contact of CONTACTS) conversation(contact);
  }

  let well = true;
  try {
    await begin();
    for (let i = 1; well && i <= rounds; i++) well = await round(i);
    talking = false;
    for (const timer of timers) clearTimeout(timer);
    if (well) {
      await until('all lines to be taken', () => [...writers.values()].every(({ waiting }) => waiting === 0));
      marks = tally.marks();
      well = await recovered();
    }
    if (well) {
      const code = await supervisor.stop(Number(read('.lock').split(' ')[0]));
      if (code !== 0 && code !== null) wrong.push(`the end: ${code}`);
      look();
      if (read('state') !== 'offline\n') wrong.push(`state at the end: ${read('state')}`);
      for (const contact of CONTACTS)
        if (read(bare(contact), 'presence') !== '') wrong.push(`presence of ${contact} at the end`);
      for (const name of fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }))
        if (/(^|\/)\.tmp-/.test(name)) wrong.push(`left behind: ${name}`);
    }
  } finally {
    talking = false;
    for (const timer of timers) clearTimeout(timer);
    await supervisor.kill();
    await Promise.all([...peers.values()].map((peer) => peer.stop()));
    for (const writer of writers.values()) writer.close();
    relay.close();
    look();
    wrong.push(...tally.wrong);
    await bed.close(keep || wrong.length > 0 || !well);
  }
  const { begun, resumed } = trace;
  return { recovery, figures: tally.figures(), sizes, begun, resumed, wrong, dir: server.dir };
}

const ms = (time: number): string => `${(time / 1000).toFixed(2).padStart(5)} s`;
