/** Account directories that are not as they should be: when a program starts, and while it runs. */
import fs from 'node:fs';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { readAccount } from './corpus.ts';
import { group, type Job, read, spins, startJob, until } from './job.ts';
import { type Complaint, judgeEnd, judgePlace, judgeStderr, judgeTree } from './oracle.ts';
import { makePlace, type Place } from './place.ts';
import { createRandom, type Random } from './random.ts';
import { serve } from './server.ts';
import { spoilState } from './state.ts';
import { type Step, take } from './step.ts';
import { judgeTrace, TRACED } from './trace.ts';
import { IDS, JIDS } from './words.ts';

export type TreeCase = {
  kind: 'tree';
  seed: string;
  program: 'sj' | 'messaged' | 'presenced' | 'iqd';
  /** As an ordinary user, if that can be. */
  ordinary: boolean;
  /** Every file that it opens is looked at. */
  traced: boolean;
  /** Before it starts. */
  before: Step[];
  /** While it runs. */
  inputs: Step[];
};

const ACCOUNT = readAccount();
const FILES = Object.keys(ACCOUNT).filter((name) => ACCOUNT[name] !== null);
const CONTACTS = Object.keys(ACCOUNT).filter((name) => ACCOUNT[name] === null);
const STATE = FILES.filter((name) => !name.includes('/') && name !== 'password');
/** Names with a meaning that the template has not. */
const OTHERS = [
  'in',
  'ext',
  'q1',
  '.session',
  '.messaged.next',
  '.journal.old',
  'bob@example.org/in',
  'bob@example.org/.in.early',
  'new@x.example',
];
const LINKS = [
  '../canary',
  '../in',
  '../beside',
  '../beside/out',
  '../nowhere',
  '/dev/null',
  '/dev/zero',
  '/dev/full',
  '/dev/tty',
  '.',
  '..',
  'state',
  'events',
  'bob@example.org',
];

function makeStep(r: Random): Step {
  const at = r.pick(r.chance(0.5) ? STATE : r.chance(0.6) ? FILES : [...OTHERS, ...CONTACTS]);
  const step = (op: Step['op'], data = '', where = at): Step => ({ op, at: where, data });
  switch (r.int(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return step(r.pick(['write', 'write', 'over', 'append']), spoilState(r, at, ACCOUNT[at] ?? ''));
    case 4:
      return step('fifo');
    case 5:
      return step('dir', 'clear');
    case 6:
      return step('link', r.pick(LINKS));
    case 7:
      return step('socket');
    case 8:
      return step('device', r.pick(['3', '5', '7', '8']));
    case 9:
      return step('mode', r.pick(['0', '444', '200', '777', '4755', '100']));
    case 10:
      return step('remove');
    case 11:
      return step('move', r.pick([...FILES, ...CONTACTS, 'away', 'x@y.example', '.hidden']));
    case 12: {
      const odd = String.fromCharCode(1 + r.int(255)).replace('/', '.');
      const name = r
        .pick([`${odd}@x.example`, `a${odd}b@x.example`, `x@${odd}`, odd, ...JIDS, ...IDS])
        .replaceAll(/[/\0]|^\.\.?$/g, '');
      return step(r.pick(['dir', 'dir', 'write', 'fifo']), '', name.slice(0, 255));
    }
    default:
      return r.chance(0.2)
        ? step(r.pick(['remove', 'mode', 'move']), r.pick(['0', '777', 'away']), '')
        : step('mode', r.pick(['0', '500', '777', '300']), r.pick(CONTACTS));
  }
}

/** Through a link in the place of a log one writes: that is how the user may have it. */
const isLog = (name: string) => /(^|\/)(out|log|events)$/.test(name);
const allowed = ({ op, at, data }: Step) =>
  !(op === 'link' && data.startsWith('..') && isLog(at)) && !(op === 'move' && isLog(data));

export function makeTreeCase(seed: string): TreeCase {
  const r = createRandom(seed);
  const live = r.chance(0.6);
  return {
    kind: 'tree',
    seed,
    program: r.chance(0.55) ? 'sj' : r.pick(['messaged', 'presenced', 'iqd']),
    ordinary: r.chance(0.3),
    traced: r.chance(0.1),
    before: Array.from({ length: live && r.chance(0.5) ? 0 : 1 + r.few(6) }, () => makeStep(r)).filter(allowed),
    inputs: Array.from({ length: live ? 1 + r.few(25) : 0 }, () => makeStep(r)).filter(allowed),
  };
}

/** Nobody's number. */
const NOBODY = 65_534;
/** Bytes of memory that no program needs here. */
const MOST = 500e6;

function createRuntime(place: Place): void {
  for (const [name, content] of Object.entries(ACCOUNT)) {
    const file = path.join(place.dir, name);
    if (content === null) fs.mkdirSync(file, { mode: 0o700 });
    else fs.writeFileSync(file, Buffer.from(content, 'latin1'), { mode: 0o600 });
  }
}

const own = (file: string): void => {
  fs.lchownSync(file, NOBODY, NOBODY);
  if (fs.lstatSync(file).isDirectory())
    for (const name of fs.readdirSync(file, 'buffer')) own(path.join(file, name.toString('latin1')));
};

export async function runTreeCase(given: TreeCase): Promise<Complaint[]> {
  const r = createRandom(`${given.seed} pace`);
  const place = makePlace();
  createRuntime(place);
  const ordinary = given.ordinary && process.getuid?.() === 0;
  if (ordinary) {
    fs.chmodSync(place.root, 0o755);
    own(place.root);
  }
  for (const step of given.before) take(place, step);
  const job = start(given, place, ordinary);
  const found: Complaint[] = [];
  const alive = () => job.ended === null;
  const large = new Map<number, number>();
  const watch = setInterval(() => {
    for (const { pid, name } of group(job.pid)) {
      if (4096 * Number(read(`/proc/${pid}/statm`).split(' ')[1]) < MOST) {
        large.delete(pid);
        continue;
      }
      // The figure is not exact, least of all in the first moments of a process.
      large.set(pid, (large.get(pid) ?? 0) + 1);
      if (large.get(pid)! < 4) continue;
      found.push({ what: 'memory', detail: `${name} needs more than ${MOST} bytes` });
      job.kill();
    }
  }, 200);

  const say = speaker(given, job);
  await say.ready();
  for (const [i, step] of given.inputs.entries()) {
    if (!alive()) break;
    await pause(r.pick([0, 0, 1, 5, 40]));
    take(place, step);
    say.something(i);
  }
  for (let i = 0; i < 3; i++) say.something(1000 + i);
  await pause(150);
  if (alive() && !given.traced && (await allSpin(job))) found.push({ what: 'spin', detail: 'busy with nothing to do' });
  if (given.program === 'sj' || r.chance(0.5)) job.child.kill('SIGTERM');
  else {
    job.stdin.end();
    // Where the disk is to blame that nothing is read, nobody sees the end of it either.
    if (!(await until(() => !alive(), 3000))) job.child.kill('SIGTERM');
  }
  const ended = await job.end();
  clearInterval(watch);
  if (found.length === 0) found.push(...judgeEnd(ended, [0, 76, 77, 100, 111], job.err()));
  const fatal = /^\w+: fatal: /m.test(job.err());
  if (ended !== 0 && ended !== null && !fatal)
    found.push({ what: 'silent', detail: `it ended with ${ended} and said nothing` });
  if (!(await until(() => group(job.pid).length === 0, 5000)))
    found.push({
      what: 'left',
      detail: group(job.pid)
        .map(({ name }) => name)
        .join(),
    });
  job.kill();
  found.push(...say.complaints(), ...judgeStderr(job.err()), ...judgePlace(place));
  if (given.traced) found.push(...judgeTrace(place));
  const given_ = new Set(
    [...given.before, ...given.inputs].flatMap(({ at, data }) => [at.split('/')[0]!, data.split('/')[0]!]),
  );
  if (!given_.has('') || given.inputs.length + given.before.length === 0)
    found.push(...judgeTree(place, given_).filter(({ detail }) => !given.traced || !detail.includes('.tmp-')));
  place.remove();
  return found;
}

async function allSpin(job: Job): Promise<boolean> {
  for (const { pid, name } of group(job.pid))
    if (/^(sj|messaged|presenced|iqd)$/.test(name) && (await spins(pid))) return true;
  return false;
}

function start({ program, traced }: TreeCase, place: Place, ordinary: boolean): Job {
  const argv = [program, '-d', place.dir];
  if (program === 'sj') argv.push('-I', '-I', '-u', 'alice', '-s', 'example.org', '-r', 'desk');
  else argv.push('-o', '/dev/fd/3');
  if (program === 'messaged') argv.push('-j', 'alice@example.org');
  return startJob(place, argv, {
    stdio:
      program === 'sj'
        ? ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'pipe', 'pipe']
        : ['pipe', 'pipe', 'pipe', 'pipe'],
    env: program === 'sj' ? {} : { SJ_ACK: '1', SJ_JID: 'alice@example.org' },
    ...(ordinary && { uid: NOBODY, gid: NOBODY }),
    ...(traced && { through: TRACED(place) }),
  });
}

type Speaker = { ready(): Promise<void>; something(i: number): void; complaints(): Complaint[] };

/** Who gives the program something to do. */
function speaker({ program }: TreeCase, job: Job): Speaker {
  const stanzas = (i: number) =>
    `<message from='bob@example.org/x' id='t${i}' type='chat'><body>say ${i}</body></message>` +
    `<presence from='bob@example.org/x'><status>be ${i}</status></presence>` +
    `<message from='s${i}@x.example/x' id='t${i}'><body>stranger</body></message>` +
    `<iq type='get' id='v${i}' from='bob@example.org/x'><query xmlns='none:${i}'/></iq>`;
  const alive = () => job.ended === null;
  if (program === 'sj') {
    const server = serve(job.stream(7), job.stream(6), true);
    return {
      ready: async () => void (await until(() => !alive() || server.online)),
      something: (i) => void (alive() && server.say(stanzas(i))),
      complaints: () => server.complaints,
    };
  }
  const out = job.stream(3) as Duplex;
  let said = '';
  out.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return {
    async ready() {
      await until(() => !alive() || said.includes('<hello '));
      if (alive()) job.stdin.write("<session xmlns='urn:x-sj:session' id='session' n='4' resumed='true'/>\n");
    },
    something: (i) =>
      void (
        alive() &&
        job.stdin.write(
          `${stanzas(i).replaceAll('><', '>\n<')}\n<sent xmlns='urn:x-sj:session' n='${i}'/>\n`.replace(
            />\n<(?!message|presence|iq|sent)/g,
            '><',
          ),
        )
      ),
    complaints: () => [],
  };
}
