/** Our own programs, as a user runs them: from `bin`, in a fresh directory, on a connection that something else made. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFailed, onTestFinished } from 'vitest';
import { passwordOf } from './bed/hosts.ts';
import { type Job, startJob } from './bed/job.ts';
import type { Server } from './bed/server.ts';
import { until } from './bed/until.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin');
const TLSCLIENT = join(import.meta.dirname, 'ways', 'tlsclient.sh');

/** What sets up the connection, and where TLS is: the command that runs `sj` with these arguments. */
export const WAYS = {
  /** TCP by tcpclient, STARTTLS by sj. */
  tcpclient: ({ port }, sj) => tcpclient(port, sj),
  /** TCP by tcpclient, TLS by sj from the first byte. */
  'sj -x': (host, sj) => tcpclient(host.server.port.direct, [...sj, '-x']),
  /** TCP and TLS by socat. */
  socat: ({ server, domain }, sj) => [
    'socat',
    `OPENSSL:127.0.0.1:${server.port.direct},cafile=${server.ca},commonname=${domain},snihost=${domain}`,
    `EXEC:${[...sj, '-T'].join(' ')},fdin=6,fdout=7`,
  ],
  /** TCP and TLS by openssl s_client; the environment says so. */
  s_client: ({ server, domain }, sj) => [TLSCLIENT, '127.0.0.1', `${server.port.direct}`, domain, server.ca, ...sj],
  /** TCP by xmppc, STARTTLS by sj. */
  xmppc: ({ port, jid }, [, ...options]) => ['xmppc', '-H', `127.0.0.1:${port}`, jid, ...unnamed(options)],
  /** The same again and again. */
  'xmppc -k': ({ port, jid }, [, ...options]) => [
    ...['xmppc', '-k', '-w', '0.1:0.5', '-H', `127.0.0.1:${port}`, jid],
    ...unnamed(options),
  ],
  /** TCP by xmppc, TLS by sj from the first byte. */
  'xmppc -x': ({ server, jid }, [, ...options]) => [
    ...['xmppc', '-x', '-H', `127.0.0.1:${server.port.direct}`, jid],
    ...unnamed(options),
  ],
} satisfies Record<
  string,
  (at: { server: Server; port: number; domain: string; jid: string }, sj: string[]) => string[]
>;
export type Way = keyof typeof WAYS;

function tcpclient(port: number, sj: readonly string[]): string[] {
  return ['tcpclient', '-RHl0', '127.0.0.1', String(port), ...sj];
}

/** Without `-u USER -s SERVER`, which xmppc knows from the JID. */
const unnamed = (options: readonly string[]) => options.slice(4);

export type SuiteOptions = {
  way?: Way;
  /** Connects here, by tcpclient if nothing else is said. */
  port?: number;
  /** More options for sj. */
  options?: readonly string[];
  password?: string;
  /** It is on this descriptor; else it stands in the file `password`. */
  passwordOn?: number;
  /** Where sj learns of the CA: from an option, or from `SSL_CERT_FILE`. */
  trust?: 'option' | 'environment';
  /** A directory that an earlier one has left, instead of a fresh one. */
  dir?: string;
};

export type Suite = {
  /** The account directory. */
  readonly dir: string;
  /** The bare JID. */
  readonly jid: string;
  readonly job: Job;
  /** What it has said on stderr, but that the account is online. */
  complaints(): string;
  /** The resource. */
  readonly full: string;
  /** Waits until the session is there. */
  online(): Promise<Suite>;
  /** A file of the directory; empty if it is not there. */
  read(path: string): string;
  /** Runs a shell script in the directory, with the suite's programs on its PATH, and returns what it prints. */
  sh(script: string, ...args: string[]): Promise<string>;
  /** Opens a chat, and waits until its FIFO can be written to. */
  chat(jid: string): Promise<void>;
  /** Writes lines into the contact's `in` as a shell does. */
  say(jid: string, ...lines: string[]): Promise<void>;
  /** Waits until a file of the directory contains this, or fits, and returns all of it. */
  see(path: string, what: string | RegExp | ((text: string) => boolean)): Promise<string>;
  /** The process of sj, whatever has started it. */
  pid(): number;
  /** Sends SIGTERM to sj, and returns the exit code of what was started. */
  stop(): Promise<number | string>;
};

/** Starts the suite for an account; it is gone when the test is over. */
export async function startSuite(server: Server, jid: string, given: SuiteOptions = {}): Promise<Suite> {
  const [user = '', domain = ''] = jid.split('@');
  const {
    way = 'tcpclient',
    port = server.port.starttls,
    options = [],
    password = passwordOf(user),
    passwordOn,
    trust = 'option',
  } = given;
  const dir = given.dir ?? join(mkdtempSync(join(server.dir, `${user}-`)), 'xmpp');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const secret = join(passwordOn === undefined ? dir : dirname(dir), 'password');
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  const sj = ['sj', '-u', user, '-s', domain, '-d', dir, '-r', 'desk', ...options];
  if (trust === 'option') sj.push('-c', server.ca);
  if (passwordOn !== undefined) sj.push('-p', String(passwordOn));
  const argv = WAYS[way]({ server, port, domain, jid }, sj);
  if (passwordOn !== undefined) argv.unshift('sh', '-c', `exec "$@" ${passwordOn}<"$0"`, secret);
  const env = { ...environment(), ...(trust === 'environment' ? { SSL_CERT_FILE: server.ca } : {}) };
  const job = await startJob(argv, { env });
  onTestFailed(() => console.error(`${argv.join(' ')}\nended: ${job.ended}\n${job.stderr}${job.stdout}`));
  onTestFinished(() => job.stop());

  const read = (path: string) => {
    try {
      return readFileSync(join(dir, path), 'utf8');
    } catch {
      return '';
    }
  };
  const alive = <T>(look: () => T): T => {
    if (job.ended !== null) throw new Error(`sj ended: ${job.ended}\n${job.stderr}`);
    return look();
  };
  const suite: Suite = {
    dir,
    jid,
    job,
    complaints: () => job.stderr.replace(/^xmppc: online as .*\n/gm, ''),
    full: `${jid}/desk`,
    read,
    async online() {
      const there = () => read('state') === `online ${jid}/desk\n`;
      await until(
        `${jid} to be online`,
        () => alive(there),
        () => read('state') + job.stderr,
      );
      return suite;
    },
    async sh(script, ...args) {
      const argv = ['-c', script, 'sh', ...args];
      const { stdout } = await promisify(execFile)('/bin/sh', argv, {
        cwd: dir,
        env: environment(dir),
        timeout: 30_000,
      });
      return stdout;
    },
    async chat(contact) {
      mkdirSync(join(dir, contact), { recursive: true, mode: 0o700 });
      const fifo = join(dir, contact, 'in');
      // Where there is none yet, a shell would make a plain file.
      await until(
        `${contact}/in`,
        () => statSync(fifo, { throwIfNoEntry: false })?.isFIFO(),
        () => job.stderr,
      );
    },
    async say(contact, ...lines) {
      await suite.sh('contact=$1; shift; printf "%s\\n" "$@" > "$contact/in"', contact, ...lines);
    },
    see: (path, what) =>
      until(
        `${what} in ${path}`,
        () =>
          alive(() => {
            const text = read(path);
            return fits(text, what) && text;
          }),
        () => `${read(path).slice(-2000)}\n--\n${job.stderr}`,
      ),
    pid() {
      const [pid] = job.members('sj');
      if (pid === undefined) throw new Error(`sj is not running\n${job.stderr}`);
      return pid;
    },
    async stop() {
      process.kill(suite.pid(), 'SIGTERM');
      return job.end();
    },
  };
  return suite;
}

function fits(text: string, what: string | RegExp | ((text: string) => boolean)): boolean {
  if (typeof what === 'string') return text.includes(what);
  return typeof what === 'function' ? what(text) : what.test(text);
}

/** As it is for somebody who has set nothing up; what this machine trusts, or is told to trust, must not matter. */
function environment(dir?: string): NodeJS.ProcessEnv {
  const { PATH = '', HOME, LANG } = process.env;
  return { PATH: `${BIN}:${PATH}`, HOME, LANG, TZ: 'UTC', ...(dir === undefined ? {} : { SJ_DIR: dir }) };
}
