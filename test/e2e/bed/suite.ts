/** The suite as a user runs it: the built programs, in a fresh directory, against a server on 127.0.0.1. */
import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onTestFailed, onTestFinished } from 'vitest';
import { type Server, type ServerOptions, startServer } from '../../../loopback/server.ts';

export const BIN = path.resolve('bin');
export const DOMAIN = 'example.org';
export const ALICE = `alice@${DOMAIN}`;
export const BOB = `bob@${DOMAIN}`;
export const PASSWORDS = { alice: 'secret-alice', bob: 'secret-bob' };

/** How long anything may take, in milliseconds. Wide: it is met only when something is broken. */
const PATIENCE = 30_000;

/** A directory that is gone after the test. */
export function scratch(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-e2e-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The first value of `look` that is not false, null or undefined; `show` is printed when there is none. */
export async function until<T>(look: () => T, show: () => string = () => ''): Promise<NonNullable<T>> {
  for (const end = Date.now() + PATIENCE; ; await pause(10)) {
    const found = look();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${look}\n${show()}`);
  }
}

/** What is in a file, or the empty string if there is none: a FIFO would never end. */
export function contents(...names: string[]): string {
  const file = path.join(...names);
  try {
    return fs.statSync(file).isFile() ? fs.readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}

export type Bed = Server & {
  /** All that clients have sent, after TLS. */
  heard(): string;
  /** A file with the certificate that clients shall trust. */
  caFile: string;
};

/** The loopback server, with alice and bob. */
export async function startBed(options: ServerOptions = {}): Promise<Bed> {
  let heard = '';
  const server = await startServer({
    domains: [DOMAIN],
    accounts: PASSWORDS,
    ...options,
    onRaw: (direction, data, jid) => {
      if (direction === 'in') heard += Buffer.from(data).toString();
      options.onRaw?.(direction, data, jid);
    },
  });
  onTestFinished(() => server.close());
  const caFile = path.join(scratch(), 'ca.pem');
  fs.writeFileSync(caFile, server.ca);
  return Object.assign(server, { heard: () => heard, caFile });
}

export type Job = {
  child: ChildProcess;
  out(): string;
  err(): string;
  /** Its exit code, or the signal that killed it. */
  ended: Promise<number | string>;
};

export type JobOptions = { cwd?: string; env?: NodeJS.ProcessEnv; stdio?: StdioOptions };

/** Runs a command in a process group of its own, which is killed after the test. */
export function start(argv: readonly string[], { cwd, env = {}, stdio = ['pipe', 'pipe', 'pipe'] }: JobOptions): Job {
  const [command, ...args] = argv;
  const child = spawn(command!, args, { cwd, stdio, env: environment(env), detached: true });
  const said = ['', ''];
  for (const [i, stream] of [child.stdout, child.stderr].entries()) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      said[i] += chunk;
    });
  }
  child.stdin?.on('error', () => {});
  onTestFailed(() => {
    if (said.join('') !== '') console.error(`${argv.join(' ')}\n${said.join('--\n')}`);
  });
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {}
  });
  return {
    child,
    out: () => said[0]!,
    err: () => said[1]!,
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
  };
}

/** As it is for somebody who has set nothing up; what this machine is told to trust must not matter. */
function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH = '', LANG, HOME } = process.env;
  return { PATH: `${BIN}:${PATH}`, LANG, HOME, TZ: 'UTC', ...more };
}

/** Runs a shell script to its end and returns what it prints. */
export async function sh(cwd: string, script: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, 'sh', ...args], {
    cwd,
    env: environment({ SJ_DIR: cwd }),
    timeout: PATIENCE,
    maxBuffer: 1 << 26,
  });
  return stdout;
}

export type Suite = Job & {
  /** The account directory. */
  dir: string;
  /** Waits until the session is there. */
  online(): Promise<Suite>;
  read(...names: string[]): string;
  /** Waits until a file contains this, and returns all of it. */
  see(file: string, what: string | RegExp): Promise<string>;
  /** Runs a shell script in the directory. */
  sh(script: string, ...args: string[]): Promise<string>;
  /** Makes a contact's directory and waits for its FIFO. */
  chat(jid: string): Promise<void>;
  /** The process of one of its programs. */
  pid(name: 'sj' | 'messaged' | 'presenced' | 'iqd'): number;
};

export type SuiteOptions = JobOptions & {
  /** Default alice. */
  user?: string;
  /** In the file `password`, unless it is null. */
  password?: string | null;
  /** Where the account directory is; default: somewhere new. */
  dir?: string;
  port?: number;
  ca?: string;
  /** More options of xmppc. */
  options?: readonly string[];
  /** The mode bits that it shall withhold; default: as the tests have it. */
  umask?: string;
};

/** Runs xmppc for an account, and so the suite. */
export function startSuite(server: { port: number; caFile?: string }, given: SuiteOptions = {}): Suite {
  const { user = 'alice', password = `secret-${user}`, dir = newAccount(), ca = server.caFile, options = [] } = given;
  if (password !== null) putPassword(dir, password);
  const argv = given.umask === undefined ? [] : ['sh', '-c', `umask ${given.umask}; exec "$@"`, 'sh'];
  argv.push('xmppc', '-H', `127.0.0.1:${given.port ?? server.port}`, '-d', dir, '-r', 'desk', ...options);
  if (ca !== undefined) argv.push('-c', ca);
  const account = `${user}@${DOMAIN}`;
  return asSuite(dir, () => {
    const job = start([...argv, account], given);
    // That it is online is what these tests begin with, and nothing to complain of.
    return { ...job, err: () => job.err().replaceAll(`xmppc: online as ${account}\n`, '') };
  });
}

/** Runs sj itself, on what stands in `stdio` at 6 and 7. */
export function startSj(given: JobOptions & { dir?: string; options?: readonly string[] }): Suite {
  const { dir = newAccount(), options = [] } = given;
  putPassword(dir, PASSWORDS.alice);
  return asSuite(dir, () => start(['sj', '-d', dir, '-r', 'desk', '-u', 'alice', '-s', DOMAIN, ...options], given));
}

export function newAccount(): string {
  const dir = path.join(scratch(), 'xmpp');
  fs.mkdirSync(dir, { mode: 0o700 });
  return dir;
}

function putPassword(dir: string, password: string): void {
  fs.writeFileSync(path.join(dir, 'password'), `${password}\n`, { mode: 0o600 });
}

function asSuite(dir: string, run: () => Job): Suite {
  const sessions = () => events(dir).filter(([type]) => type === 'online').length;
  // One that was killed has left its own state, so that does not tell enough.
  const before = sessions();
  const job = run();
  let over: number | string | null = null;
  void job.ended.then((how) => {
    over = how;
  });
  const read = (...names: string[]) => contents(dir, ...names);
  const alive = <T>(look: () => T): T => {
    const found = look();
    if (!found && over !== null) throw new Error(`it ended with ${over}\n${job.err()}`);
    return found;
  };
  const suite: Suite = {
    ...job,
    dir,
    read,
    async online() {
      await until(() => alive(() => sessions() > before && read('state').startsWith('online ')), job.err);
      return suite;
    },
    async see(file, what) {
      const fits = (text: string) => (typeof what === 'string' ? text.includes(what) : what.test(text));
      await until(
        () => alive(() => fits(read(file))),
        () => `${what} in ${file}:\n${read(file)}\n--\n${job.err()}`,
      );
      return read(file);
    },
    sh: (script, ...args) => sh(dir, script, ...args),
    async chat(jid) {
      fs.mkdirSync(path.join(dir, jid), { recursive: true });
      await until(() => alive(() => fs.statSync(path.join(dir, jid, 'in'), { throwIfNoEntry: false })?.isFIFO()));
    },
    pid(name) {
      const found = group(job.child.pid!).find((process) => process.name === name);
      if (found === undefined) throw new Error(`no ${name} is running`);
      return found.pid;
    },
  };
  return suite;
}

/** The processes of a process group. */
export function group(id: number): { pid: number; name: string }[] {
  const found: { pid: number; name: string }[] = [];
  for (const entry of fs.readdirSync('/proc')) {
    const [, name, rest] = /^\d+ \((.*)\) (.*)/.exec(/^\d+$/.test(entry) ? contents('/proc', entry, 'stat') : '') ?? [];
    const [state, , its] = rest?.split(' ') ?? [];
    if (Number(its) !== id || state === 'Z') continue;
    // A script has its name, loses it to the interpreter that env looks for, and takes it again.
    const early = contents('/proc', entry, 'cmdline').split('\0')[0]!.endsWith('/env');
    found.push({ pid: Number(entry), name: early ? 'env' : name! });
  }
  return found;
}

/** Every file below a directory. */
export const snapshot = (dir: string): string[] => (fs.readdirSync(dir, { recursive: true }) as string[]).sort();

/** The lines of `out` without their stamps. */
export const untimed = (out: string): string => out.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d /gm, '');

/** Type, JID and detail of each event. */
export const events = (dir: string): string[][] =>
  contents(dir, 'events')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t').slice(1));
