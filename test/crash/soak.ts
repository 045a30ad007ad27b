/**
 * `npm run test:soak -- [--minutes 60] [--rate 200] [--contacts 500]`: so many messages a second each way with prosody,
 * one reconnection a minute. Nothing may be lost, doubled or out of order, and nothing may grow.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { child, text } from '../../loopback/xml.ts';
import { passwordOf } from '../interop/bed/hosts.ts';
import { type Kind, makeBed } from '../interop/bed/server.ts';
import { until } from '../interop/bed/until.ts';
import { startComponent } from './component.ts';
import { dotFiles, slope, type Usage, usageOf } from './measure.ts';
import { startRelay } from './relay.ts';
import { createSequence } from './sequence.ts';
import { DOMAIN, kinds } from './servers.ts';
import { type Program, supervise } from './supervisor.ts';
import { createTail } from './tail.ts';
import { createWriter } from './writer.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '200' },
    contacts: { type: 'string', default: '500' },
    server: { type: 'string', default: 'prosody' },
  },
});
const [minutes, rate, many] = [values.minutes, values.rate, values.contacts].map(Number) as [number, number, number];

const US = 'alice';
const JID = `${US}@${DOMAIN}`;
const THEIRS = 'contacts.localhost';
const SECRET = 'secret';
const PROGRAMS: readonly Program[] = ['sj', 'messaged', 'presenced', 'iqd'];
/** In milliseconds. */
const TICK = 10;
const LOOK = 500;
const MINUTE = 60_000;

const say = (line: string) => void process.stdout.write(`${line}\n`);
const contacts = Array.from({ length: many }, (_, i) => `c${i}@${THEIRS}`);

function withComponent(kind: Kind): Kind {
  return {
    ...kind,
    ready: /Activated service 'component' on \[127/,
    prepare(place) {
      kind.prepare(place);
      const file = join(place.dir, 'prosody.cfg.lua');
      const ports = `component_ports = { ${place.port.control} }\ncomponent_interfaces = { "127.0.0.1" }\n`;
      const component = `\nComponent "${THEIRS}"\ncomponent_secret = "${SECRET}"\n`;
      fs.writeFileSync(file, ports + fs.readFileSync(file, 'utf8') + component);
    },
  };
}

async function main(): Promise<void> {
  if (values.server !== 'prosody') throw new Error('only prosody has been set up for this');
  execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
  const bed = makeBed(withComponent(kinds([US]).prosody));
  await bed.open();
  const { server } = bed;
  const relay = await startRelay(server.port.starttls);
  const dir = join(server.dir, US);
  fs.mkdirSync(dir, { mode: 0o700 });
  fs.writeFileSync(join(dir, 'password'), `${passwordOf(US)}\n`, { mode: 0o600 });
  for (const contact of contacts) fs.mkdirSync(join(dir, contact), { mode: 0o700 });
  const stderr = join(server.dir, 'stderr');
  const supervisor = supervise({
    argv: () => ['xmppc', '-k', '-c', server.ca, '-d', dir, '-r', 'desk', '-H', `127.0.0.1:${relay.port}`, JID],
    stderr,
    env: { HOME: server.dir, TZ: 'UTC', SJ_LINGER: '60' },
  });
  const read = (name: string) => fs.readFileSync(join(dir, name), 'utf8');
  const online = () => fs.existsSync(join(dir, 'state')) && read('state') === `online ${JID}/desk\n`;

  const seen = {
    peer: createSequence('at the contact'),
    outOut: createSequence('out, ours'),
    outIn: createSequence('out, theirs'),
    logOut: createSequence('log, ours'),
    logIn: createSequence('log, theirs'),
    events: createSequence('events'),
  };
  const wrong: string[] = [];
  const saidOut = new Map<string, number>();
  const saidIn = new Map<string, number>();
  let [written, sent] = [0, 0];
  const next = (map: Map<string, number>, contact: string): number => {
    const n = (map.get(contact) ?? 0) + 1;
    map.set(contact, n);
    return n;
  };

  const component = await startComponent(
    { port: server.port.control, domain: THEIRS, secret: SECRET },
    ({ name, attrs, ...rest }) => {
      const body = text(child({ name, attrs, ...rest }, 'body'));
      if (name !== 'message' || body === '') return;
      const n = /^us:(\d+)$/.exec(body)?.[1];
      if (n === undefined) wrong.push(`${attrs.to} got ${body}`);
      else seen.peer.take(attrs.to ?? '', Number(n));
    },
  );
  const writers = contacts.map((contact, i) =>
    createWriter(join(dir, contact, 'in'), i % 2 === 0, () => {
      written++;
    }),
  );

  const tails = contacts.flatMap((contact) => [
    {
      next: createTail(join(dir, contact, 'out')),
      take(line: string) {
        const [, who, n] = /^\S+ \S+ <[^>]*> (us|them):(\d+)$/.exec(line) ?? [];
        if (who === undefined) wrong.push(`${contact}/out: ${line}`);
        else (who === 'us' ? seen.outOut : seen.outIn).take(contact, Number(n));
      },
    },
    {
      next: createTail(join(dir, contact, 'log')),
      take(line: string) {
        const { dir: way, body } = JSON.parse(line);
        (way === 'out' ? seen.logOut : seen.logIn).take(contact, Number(body.split(':')[1]));
      },
    },
  ]);
  tails.push({
    next: createTail(join(dir, 'events')),
    take(line: string) {
      const [, type, jid = '', detail = ''] = line.split('\t');
      if (type === 'message') seen.events.take(jid, Number(detail.split(':')[1]));
      else if (type === 'error') wrong.push(`events: ${line}`);
    },
  });
  const look = () => {
    for (const { next, take } of tails) for (const line of next()) take(line);
  };
  const arrived = () =>
    Math.min(seen.peer.count, seen.outOut.count, seen.logOut.count) >= written &&
    Math.min(seen.outIn.count, seen.logIn.count, seen.events.count) >= sent;

  let turn = 0;
  let started = performance.now();
  let due = 0;
  let talking = false;
  const tick = setInterval(() => {
    if (!talking) return;
    const want = ((performance.now() - started) / 1000) * rate;
    // After a stall it does not all come at once.
    due = Math.max(due, want - rate);
    for (; due < want; due++, turn++) {
      const i = turn % many;
      const contact = contacts[i]!;
      writers[i]!.write(`us:${next(saidOut, contact)}`);
      const n = next(saidIn, contact);
      component.send(
        `<message from='${contact}' to='${JID}' type='chat' id='m${sent}'><body>them:${n}</body></message>`,
      );
      sent++;
    }
  }, TICK);

  type Sample = { programs: Map<Program, Usage>; bytes: Map<string, number>; dots: number };
  const samples: Sample[] = [];
  function sample(): Sample {
    const programs = new Map<Program, Usage>();
    for (const name of PROGRAMS) {
      const usage = supervisor
        .pids(name)
        .map(usageOf)
        .find((found) => found !== null);
      if (usage) programs.set(name, usage);
    }
    const { count, bytes } = dotFiles(dir);
    return { programs, bytes, dots: count };
  }

  async function minute(i: number): Promise<void> {
    const start = performance.now();
    const cutAt = start + 10_000 + Math.random() * 30_000;
    let cut = 0;
    let back = 0;
    while (performance.now() < start + MINUTE) {
      await pause(LOOK);
      look();
      if (cut === 0 && performance.now() > cutAt) {
        cut = performance.now();
        relay.reset();
        await until('the connection to be lost', () => !online());
      } else if (cut > 0 && back === 0 && online()) back = performance.now() - cut;
    }
    const now = sample();
    samples.push(now);
    const waiting = writers.reduce((sum, writer) => sum + writer.waiting, 0);
    const show = PROGRAMS.map((name) => {
      const usage = now.programs.get(name);
      return `${name} ${usage === undefined ? '-' : `${(usage.rss / 1024).toFixed(0)} MiB ${usage.fds} fd`}`;
    });
    const bytes = [...now.bytes].filter(([, size]) => size > 100).map(([name, size]) => `${name} ${size}`);
    say(
      `${String(i).padStart(3)} min  to them ${seen.peer.count}/${written} (${waiting} wait), to us ${seen.outIn.count}/${sent}` +
        `  back after ${(back / 1000).toFixed(1)} s  ${show.join(', ')}  ${bytes.join(' ')} (${now.dots} dot files)`,
    );
  }

  let well = true;
  try {
    await until('the account to be online', online, () => fs.readFileSync(stderr, 'utf8'));
    await until('all FIFOs', () => contacts.every((c) => fs.existsSync(join(dir, c, 'in'))));
    say(`${many} contacts, ${rate} messages a second each way, ${minutes} minutes; evidence in ${server.dir}`);
    started = performance.now();
    talking = true;
    for (let i = 1; i <= minutes; i++) await minute(i);
    talking = false;
    await until(
      'everything to arrive',
      () => {
        look();
        return writers.every(({ waiting }) => waiting === 0) && arrived();
      },
      () =>
        JSON.stringify({ written, sent, ...Object.fromEntries(Object.entries(seen).map(([k, s]) => [k, s.count])) }),
      120_000,
    );
    const code = await supervisor.stop(Number(read('.lock').split(' ')[0]));
    if (code !== 0) wrong.push(`the end: ${code}`);
    look();
    for (const contact of contacts) {
      const [ours, theirs] = [saidOut.get(contact) ?? 0, saidIn.get(contact) ?? 0];
      for (const s of [seen.peer, seen.outOut, seen.logOut])
        if (s.last(contact) !== ours) wrong.push(`${contact}: of ${ours} only ${s.last(contact)}`);
      for (const s of [seen.outIn, seen.logIn])
        if (s.last(contact) !== theirs) wrong.push(`${contact}: of ${theirs} only ${s.last(contact)}`);
    }
  } catch (error) {
    wrong.push(String(error));
  } finally {
    clearInterval(tick);
    well = wrong.length === 0 && Object.values(seen).every((sequence) => sequence.wrong.length === 0);
    await supervisor.kill();
    component.close();
    for (const writer of writers) writer.close();
    relay.close();
    wrong.push(...Object.values(seen).flatMap((sequence) => sequence.wrong));
    await bed.close(!well);
  }
  conclude();
  if (!well) process.exitCode = 1;

  function conclude(): void {
    const steady = samples.slice(Math.min(2, samples.length - 1));
    say(`\ngrowth a minute, over the last ${steady.length} minutes`);
    for (const name of PROGRAMS) {
      const of = (key: keyof Usage) => steady.flatMap(({ programs }) => programs.get(name)?.[key] ?? []);
      say(`  ${name.padEnd(10)} ${slope(of('rss')).toFixed(0)} KiB, ${slope(of('fds')).toFixed(2)} descriptors`);
    }
    for (const name of ['.queue', '.journal', '.presences'])
      say(`  ${name.padEnd(10)} ${slope(steady.map(({ bytes }) => bytes.get(name) ?? 0)).toFixed(0)} bytes`);
    say(`  dot files  ${slope(steady.map(({ dots }) => dots)).toFixed(2)}`);
    say(`${written} from us, ${sent} to us; sessions lost: ${supervisor.starts - 1}`);
    if (wrong.length === 0) return say('nothing lost, doubled or out of order');
    say(`WRONG, evidence in ${server.dir}`);
    for (const what of wrong.slice(0, 30)) say(`  ${what}`);
  }
}

void main().then(
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
