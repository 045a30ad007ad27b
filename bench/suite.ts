/** A session of sj as a user would run it: four processes, a directory, and a server that counts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { setBlocking } from '../lib/sys/blocking.ts';
import { mkfifos } from '../lib/sys/mkfifo.ts';
import { ensureContact } from '../lib/tree/contact.ts';
import { family, runs } from './processes.ts';
import { listen, type Server } from './server.ts';

/** How long, in milliseconds, anything may take before the measurement is given up. */
const PATIENCE = 120_000;

export type Suite = {
  readonly dir: string;
  readonly server: Server;
  /** Since sj was started, in milliseconds, its session was there. */
  readonly ready: number;
  /** `performance.now()` when sj was started. */
  readonly started: number;
  pids(): number[];
  /** The process of one program. */
  pid(program: string): number;
  file(contact: number, name: string): string;
  stop(): Promise<void>;
};

export const contact = (n: number): string => `c${n}@bench.example`;

/** What clients send: a line of text, a chat state, a request for a receipt, the id of the archive. */
export const message = (from: number, text: string): string =>
  `<message from='${contact(from)}/phone.4f2a' to='bench@bench.example/sj' type='chat' id='m${text.slice(0, 8)}' xml:lang='en'><body>${text}</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><stanza-id xmlns='urn:xmpp:sid:0' by='bench@bench.example' id='0OzoyIscRghzUgvc3O03UZEr'/></message>`;

/** What a client says that is away. */
export const presence = (from: number): string =>
  `<presence from='${contact(from)}/phone.4f2a' to='bench@bench.example/sj' xml:lang='en'><show>away</show><status>at lunch</status><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/></presence>`;

/** The environment of a plain user; a bundle of certificates costs each program 50 ms at its start. */
export function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'SJ_DIR', 'SJ_STAMP']) delete env[name];
  // Everybody here is a stranger, and very fast.
  return { ...env, SJ_LIMITS: LIMITS };
}

const LIMITS = 'new=1000000 contacts=1000000 flood=1000000000';

export type Setting = {
  /** With stream management. */
  readonly managed?: boolean;
  /** So many contacts have a directory already. */
  readonly contacts?: number;
  /** So many contacts are on the roster. */
  readonly roster?: number;
  /** Limits that are other ones, as in SJ_LIMITS. */
  readonly limits?: string;
};

/** Starts a suite whose programs are in `bin`, and waits for its session. */
export async function start(bin: string, setting: Setting = {}): Promise<Suite> {
  const { managed = false, contacts = 0, roster = 0, limits = '' } = setting;
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-bench-'));
  fs.writeFileSync(path.join(dir, 'password'), 'secret\n', { mode: 0o600 });
  for (let i = 0; i < contacts; i++) ensureContact(dir, contact(i));
  await mkfifos(Array.from({ length: contacts }, (_, i) => path.join(dir, contact(i), 'in')));
  const server = await listen({ managed, roster: Array.from({ length: roster }, (_, i) => contact(i)) });
  const socket = new net.Socket();
  // What the server says first is for sj to read.
  socket.pause();
  socket.connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  setBlocking(socket);
  const args = ['-I', '-I', '-u', 'bench', '-s', 'bench.example', '-r', 'sj', '-d', dir];
  const started = performance.now();
  const child = spawn(path.join(bin, 'sj'), args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ignore', 'ignore', 'ignore', socket, socket],
    env: { ...environment(), SJ_LIMITS: `${LIMITS} ${limits}` },
  });
  socket.destroy();
  let complaint = '';
  child.stderr!.on('data', (text) => (complaint += text));
  const ended = once(child, 'exit').then(() => {
    throw new Error(`sj has ended: ${complaint}`);
  });
  ended.catch(() => {});
  await Promise.race([server.ready, ended]);
  const ready = performance.now() - started;
  const pids = () => family(child.pid!);
  return {
    dir,
    server,
    ready,
    started,
    pids,
    pid: (program) => pids().find((pid) => runs(pid, program))!,
    file: (n, name) => path.join(dir, contact(n), name),
    stop: () => stop(child, server, dir),
  };
}

async function stop(child: ChildProcess, server: Server, dir: string): Promise<void> {
  const pids = family(child.pid!);
  const exited = once(child, 'exit');
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  await exited;
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
}

/** The size of a file; 0 if it is not there. */
export const sizeOf = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** Waits until something is so, looking every so many milliseconds; 0: all the time. */
export async function until(check: () => boolean, every = 1): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!check()) {
    if (performance.now() > end) throw new Error('it takes too long');
    await (every === 0 ? new Promise(setImmediate) : wait(every));
  }
}

/** Sends a message and waits until it is in the contact's `out`. */
export async function deliver(suite: Suite, from: number, text: string): Promise<void> {
  const before = sizeOf(suite.file(from, 'out'));
  await suite.server.send(message(from, text));
  await until(() => sizeOf(suite.file(from, 'out')) > before);
}

/** How many lines a file has. */
export function lines(file: string): number {
  const bytes = fs.readFileSync(file);
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}
