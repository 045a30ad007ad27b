/** Mutated sessions of real servers, from the first byte to the last, for sj and its daemons. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { createReader } from '../../loopback/reader.ts';
import { type Exchange, exchange, MECHANISMS } from '../../loopback/sasl.ts';
import { BIN, group, type Job, memoryOf, spins, startJob, until } from './job.ts';
import { chunks, spoil } from './mutate.ts';
import { type Complaint, judgeEnd, judgePlace, judgeStderr, judgeTree } from './oracle.ts';
import { makePlace, type Place } from './place.ts';
import { createRandom, type Random } from './random.ts';
import { WANTED, type WireCase } from './wire-case.ts';

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
  found.push(...judgeEnd(await job.end(), [0, 76, 77, 111], job.err()));
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
