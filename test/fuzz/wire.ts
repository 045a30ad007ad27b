/** Mutated sessions of real servers, from the first byte to the last, for sj and its daemons. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { createReader } from '../../loopback/reader.ts';
import { type Exchange, exchange, MECHANISMS } from '../../loopback/sasl.ts';
import { RARE, readCorpus, type Session, stanzasOf } from './corpus.ts';
import { BIN, group, type Job, memoryOf, spins, startJob, until } from './job.ts';
import { bend, chunks, reorder, spoil } from './mutate.ts';
import { type Complaint, judgeEnd, judgePlace, judgeStderr, judgeTree } from './oracle.ts';
import { makePlace, type Place } from './place.ts';
import { createRandom, type Random } from './random.ts';

export type WireCase = {
  kind: 'wire';
  seed: string;
  /** Our own daemons, or such as swallow all. */
  daemons: 'real' | 'mute';
  link: 'pipes' | 'socket';
  /** What an earlier session has left. */
  queue: string;
  /** What the server says once the client has said this. */
  login: { on: string; say: string }[];
  /** Spoils what SCRAM says. */
  scram: boolean;
  /** What the server says then. */
  inputs: string[];
  /** Whether sj still has to answer after that, if it has not ended. */
  probe: boolean;
  end: 'close' | 'eof' | 'reset' | 'term' | 'silence';
};

const sessions = readCorpus();
const POOL = [...stanzasOf(sessions, 'server'), ...RARE, ...stanzasOf(sessions, 'client')];
const LOGIN_POOL = sessions.flatMap(({ turns }) => turns.slice(0, 16).map(({ text }) => text));

/** What the client has to have said. */
const WANTED: Record<string, RegExp> = {
  stream: /<stream:stream [^>]*>/,
  auth: /<auth [^>]*mechanism='([^']*)'>([^<]*)<\/auth>/,
  response: /<response [^>]*?(?:\/>|>([^<]*)<\/response>)/,
  iq: /<iq type='set' id='sj:bind'>.*?<\/iq>/s,
  enable: /<enable [^>]*>/,
  resume: /<resume [^>]*>/,
};

/** Until the session is there, and what came then. */
function dissect({ turns }: Session): { login: WireCase['login']; rest: string[]; resume: string } {
  const login: WireCase['login'] = [];
  let i = 0;
  let resume = '';
  for (let on = ''; i < turns.length; i++) {
    const { from, text } = turns[i]!;
    if (from === 'client') {
      if (text.includes("id='sj:session'")) continue;
      if (on === 'enable' || (on === 'resume' && !text.includes('sj:bind'))) break;
      if (text === '</stream:stream>') break;
      on = text.includes('<stream:stream') ? 'stream' : /^<(\w+)/.exec(text)![1]!;
      if (on === 'resume') resume = text;
      login.push({ on, say: '' });
    } else if (login.length > 0) {
      if ((on === 'enable' || on === 'resume') && login.at(-1)!.say !== '') break;
      const exact = text
        .replace(/(<challenge [^>]*>)[^<]*/, '$1%CHALLENGE%')
        .replace(/(<success [^>]*>)[^<]+(<\/success>)/, '$1%SUCCESS%$2');
      login.at(-1)!.say += exact;
    }
  }
  return {
    login,
    rest: turns
      .slice(i)
      .filter((turn) => turn.from === 'server')
      .map(({ text }) => text),
    resume,
  };
}

const LOGINS = sessions.map(dissect);

/** What a session that is to be resumed has left, as it fits to what the server says of it. */
function queueFor(r: Random, resume: string, login: WireCase['login']): string {
  const previd = /previd='([^']*)'/.exec(resume)?.[1];
  if (previd === undefined) return '';
  const h = Number(/<resumed [^>]*h='(\d+)'/.exec(login.map(({ say }) => say).join(''))?.[1] ?? 0);
  const open = Array.from(
    { length: r.int(4) },
    (_, i) =>
      `out ${1_790_000_000_000 + i} <message to='bob@example.org' id='k${i}' type='chat'><body>kept ${i}</body></message>\n`,
  );
  const id = previd.replaceAll('&amp;', '&');
  return (
    `session ${JSON.stringify({ account: 'alice@example.org', id, jid: 'alice@example.org/desk' })}\n` +
    `asked q1 \nasked q6 nobody.invalid\nbase ${h}\nin 3 {"messaged":1,"presenced":1,"iqd":1}\n${open.join('')}`
  );
}

export function makeWireCase(seed: string): WireCase {
  const r = createRandom(seed);
  const { login, rest, resume } = r.pick(LOGINS);
  const queue = queueFor(r, resume, login);
  const badLogin = r.chance(0.3);
  const turns = login.map((turn) => ({ ...turn }));
  if (badLogin) {
    const turn = r.pick(turns);
    turn.say = r.chance(0.4) ? bendAll(r, turn.say) : spoil(r, turn.say, LOGIN_POOL);
    if (r.chance(0.1)) r.pick(turns).say += r.pick(POOL);
  }
  const extra = Array.from({ length: r.few(200) }, () => r.pick(POOL));
  let inputs = r.chance(0.7) ? reorder(r, rest, POOL) : [...rest];
  inputs.splice(r.int(inputs.length + 1), 0, ...extra);
  const share = r.pick([0, 0.05, 0.4, 0.9]);
  inputs = inputs.map((text) =>
    /^<(message|presence|iq|a|r)\b/.test(text) && r.chance(share) ? bend(r, text, POOL) : text,
  );
  // What ends the session is not to hide what comes after it.
  if (r.chance(0.8)) inputs = inputs.filter((text) => !/^<\/?stream:|^<a /.test(text));
  const bad = r.chance(0.4);
  if (bad) {
    const at = r.int(inputs.length + 1);
    inputs.splice(at, 1, spoil(r, inputs[at] ?? r.pick(POOL), POOL));
  }
  return {
    kind: 'wire',
    seed,
    daemons: r.chance(0.6) ? 'real' : 'mute',
    link: r.chance(0.7) ? 'pipes' : 'socket',
    queue,
    login: turns,
    scram: r.chance(0.2),
    inputs,
    probe: !bad && !badLogin,
    end: r.pick(['close', 'eof', 'eof', 'reset', 'term', 'term', 'silence']),
  };
}

const bendAll = (r: Random, text: string) =>
  text.replace(/<(?!\?|stream:stream)(\w[\w:]*)\b[^>]*?(?:\/>|>.*?<\/\1>)/gs, (element) =>
    bend(r, element, LOGIN_POOL),
  );

type Wire = { say(data: Buffer): Promise<void>; heard(): string; end(): void; reset(): void };

export async function runWireCase(given: WireCase): Promise<Complaint[]> {
  const r = createRandom(`${given.seed} borders`);
  const place = makePlace();
  fs.writeFileSync(path.join(place.dir, 'password'), 'secret-alice\n', { mode: 0o600 });
  if (given.queue !== '')
    fs.writeFileSync(path.join(place.dir, '.queue'), Buffer.from(given.queue, 'latin1'), { mode: 0o600 });
  const { job, wire } = await start(given, place);
  const found: Complaint[] = [];
  const alive = () => job.ended === null;
  const say = async (text: string) => {
    for (const chunk of chunks(r, Buffer.from(text, 'latin1'))) {
      if (!alive()) return;
      await Promise.race([wire.say(chunk), job.end()]);
    }
  };

  let at = 0;
  let sasl: Exchange | undefined;
  for (const { on, say: words } of given.login) {
    const quiet = quietness(() => wire.heard().length);
    let match: RegExpExecArray | null = null;
    await until(
      () =>
        !alive() ||
        (match = WANTED[on]!.exec(wire.heard().slice(at))) !== null ||
        (wire.heard() !== '' && quiet() > 1500),
    );
    if (!alive()) break;
    match = match as RegExpExecArray | null;
    at += match === null ? 0 : match.index + match[0].length;
    if (match !== null && on === 'auth') sasl = exchange(match[1]!, SASL);
    await say(answered(r, given, words, match, sasl));
  }
  for (let i = 0; i < given.inputs.length && alive(); i += 25) await say(given.inputs.slice(i, i + 25).join(''));
  if (given.probe && given.daemons === 'real' && alive()) {
    await say("<iq type='get' id='theprobe' from='probe@x.example/r'><q xmlns='urn:none'/></iq>");
    if (!(await until(() => !alive() || wire.heard().includes("id='theprobe'"))))
      found.push({ what: 'deaf', detail: 'no answer to an iq' });
    if (alive()) found.push(...(await judgeIdle(place, job)));
  }
  if (given.end === 'close') await say('</stream:stream>');
  if (given.end === 'reset') wire.reset();
  else if (given.end === 'term') job.child.kill('SIGTERM');
  else if (given.end !== 'silence') wire.end();
  found.push(...judgeEnd(await job.end(), [0, 76, 77, 111]));
  if (!(await until(() => group(job.pid).length === 0, 5000)))
    found.push({
      what: 'left',
      detail: group(job.pid)
        .map(({ name }) => name)
        .join(),
    });
  job.kill();
  wire.reset();
  found.push(...judgeStderr(job.err()), ...judgeClient(wire.heard()), ...judgePlace(place));
  if (given.daemons === 'real') found.push(...judgeTree(place));
  place.remove();
  return found;
}

const SASL = {
  domain: 'example.org',
  offered: MECHANISMS,
  password: (user: string) => (user === 'alice' ? 'secret-alice' : undefined),
  iterations: 4096,
  binding: () => undefined,
  certified: [],
  faults: {},
};

/** For how many milliseconds a number has been the same. */
function quietness(look: () => number): () => number {
  let [last, since] = [look(), performance.now()];
  return () => {
    if (look() !== last) [last, since] = [look(), performance.now()];
    return performance.now() - since;
  };
}

/** What the server says, with what only the exchange can tell. */
function answered(
  r: Random,
  { scram }: WireCase,
  words: string,
  match: RegExpExecArray | null,
  sasl: Exchange | undefined,
): string {
  return words.replace(/%(CHALLENGE|SUCCESS)%/, () => {
    const said = match?.at(-1) ?? '';
    const step = sasl?.(Buffer.from(said, 'base64')) ?? { kind: 'failure', condition: '', text: '' };
    if (step.kind === 'failure') return '=';
    const data = scram
      ? spoil(r, step.data, ['r=a,s=b,i=1', 'v=abc', 'e=other-error', ',m=x', 'i=4294967296'])
      : step.data;
    return Buffer.from(data, 'latin1').toString('base64');
  });
}

async function start(given: WireCase, place: Place): Promise<{ job: Job; wire: Wire }> {
  const bin = path.join(place.root, 'report', 'bin');
  fs.mkdirSync(bin);
  if (given.daemons === 'mute')
    for (const name of ['messaged', 'presenced', 'iqd'])
      fs.writeFileSync(path.join(bin, name), '#!/bin/sh\nexec cat > /dev/null\n', { mode: 0o755 });
  const argv = [
    'sj',
    '-I',
    '-I',
    '-u',
    'alice',
    '-s',
    'example.org',
    '-r',
    'desk',
    '-d',
    place.dir,
    '-t',
    given.end === 'silence' ? '2' : '60',
  ];
  const env = { PATH: `${bin}:${BIN}:${process.env.PATH}` };
  if (given.link === 'pipes') {
    const job = startJob(place, argv, {
      stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env,
    });
    return { job, wire: listen(job.stream(7), job.stream(6)) };
  }
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const near = net.connect({ port, host: '127.0.0.1' });
  await new Promise<void>((resolve) => near.once('connect', resolve));
  const far = await accepted;
  server.close();
  const job = startJob(place, argv, {
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', near, near],
    env,
  });
  near.destroy();
  return { job, wire: listen(far, far) };
}

function listen(from: Duplex, to: Duplex): Wire {
  let text = '';
  from.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  for (const stream of new Set([from, to])) stream.on('error', () => {});
  return {
    say: (data) => new Promise((resolve) => to.write(data, () => resolve())),
    heard: () => text,
    end: () => void to.end(),
    reset() {
      from.destroy();
      to.destroy();
    },
  };
}

/** Judges what the server has been told: streams of whole stanzas, within the limits. */
function judgeClient(text: string): Complaint[] {
  const found: Complaint[] = [];
  for (const stream of text.split(/(?=<\?xml version='1.0'\?>)/)) {
    const reader = createReader(262_144, {
      open: () => {},
      stanza(element) {
        if (!/^(message|presence|iq|a|r|auth|response|abort|enable|resume|starttls|error)$/.test(element.name))
          found.push({ what: 'no stanza', detail: element.name });
      },
      close: () => {},
    });
    try {
      reader.write(Buffer.from(stream, 'latin1'));
    } catch (error) {
      found.push({ what: 'malformed', detail: `${error} in ${stream.slice(-2000)}` });
    }
  }
  return found;
}

async function judgeIdle(place: Place, job: Job): Promise<Complaint[]> {
  const found: Complaint[] = [];
  await pause(50);
  for (const { pid, name } of group(job.pid)) {
    if (!/^(sj|messaged|presenced|iqd)$/.test(name)) continue;
    if (await spins(pid)) found.push({ what: 'spin', detail: name });
    const bytes = await memoryOf(place, pid);
    if (bytes !== null && bytes > 60e6) found.push({ what: 'memory', detail: `${name}: ${bytes}` });
  }
  return found;
}
