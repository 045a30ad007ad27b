/** A server under test, and what the tests see of it, whichever it is. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from './hosts.ts';
import { type Job, startJob } from './job.ts';
import { claimPorts, type Ports } from './ports.ts';
import { until } from './until.ts';

export type ServerName = 'prosody' | 'ejabberd';

export type Server = {
  readonly name: ServerName;
  /** Where it, and whoever runs against it, keeps files. */
  readonly dir: string;
  /** The CA's certificate. */
  readonly ca: string;
  readonly port: ServerPorts;
  /** Starts it, with the accounts and whatever an earlier run left, and returns when it is ready for clients. */
  start(): Promise<void>;
  /** Stops it: SIGTERM lets it say goodbye to its clients, SIGKILL does not. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** All that it has logged; every stanza that it received is there. */
  log(): string;
  /** The mechanisms that clients have asked for so far: one for each attempt to log in. */
  attempts(): string[];
  /** Ends the session of a full JID. */
  kick(jid: string): Promise<void>;
};

export type ServerPorts = {
  readonly starttls: number;
  readonly direct: number;
  /** Neither TLS nor STARTTLS. */
  readonly clear: number;
  /** For the server's own needs. */
  readonly control: number;
};

export type Place = { dir: string; port: ServerPorts };

/** What is different between the servers. */
export type Kind = {
  readonly name: ServerName;
  /** Writes configuration and accounts. */
  prepare(place: Place): void;
  readonly command: (place: Place) => { argv: string[]; env: NodeJS.ProcessEnv };
  /** Files that it logs into. */
  readonly log: string;
  /** In what it logs: that it is ready. */
  readonly ready: RegExp;
  /** After each start. */
  started?(place: Place): Promise<void>;
  /** In the log: an attempt to log in, and the mechanism in it. */
  readonly attempt: RegExp;
  kick(place: Place, jid: string): Promise<void>;
};

/** A server that somebody else opens and closes. */
export type Bed = {
  readonly server: Server;
  /** Makes its directory and its certificates, and starts it. */
  open(): Promise<void>;
  /** Stops it. @param keep its directory stays */
  close(keep: boolean): Promise<void>;
};

/** On a busy machine ejabberd takes much longer than anything else. */
const START_MS = 120_000;

/** A server in a fresh directory, on ports of its own. */
export function makeBed(kind: Kind): Bed {
  let place: Place | undefined;
  let ports: Ports | undefined;
  let job: Job | undefined;
  const here = () => {
    if (place === undefined) throw new Error('the server has not been started');
    return place;
  };
  const read = () => {
    try {
      return readFileSync(join(here().dir, kind.log), 'utf8');
    } catch {
      return '';
    }
  };
  const server: Server = {
    name: kind.name,
    get dir() {
      return here().dir;
    },
    get ca() {
      return join(here().dir, 'certs', 'ca.pem');
    },
    get port() {
      return here().port;
    },
    async start() {
      const before = read().length;
      const { argv, env } = kind.command(here());
      const started = await startJob(argv, { cwd: here().dir, env });
      job = started;
      await until(
        `${kind.name} to be ready`,
        () => {
          if (started.ended !== null) throw new Error(`${kind.name} ended\n${started.stdout}${started.stderr}`);
          return kind.ready.test(read().slice(before));
        },
        () => started.stdout + started.stderr,
        START_MS,
      );
      await kind.started?.(here());
    },
    async stop(signal = 'SIGTERM') {
      await job?.stop(signal);
      job = undefined;
    },
    log: read,
    attempts: () => [...read().matchAll(kind.attempt)].map((match) => match[1]!),
    kick: (jid) => kind.kick(here(), jid),
  };
  return {
    server,
    async open() {
      const dir = mkdtempSync(join(tmpdir(), `sj-${kind.name}-`));
      ports = await claimPorts();
      const [starttls, direct, clear, control] = ports.ports as [number, number, number, number];
      place = { dir, port: { starttls, direct, clear, control } };
      mkdirSync(join(dir, 'log'));
      makeCertificates(join(dir, 'certs'));
      kind.prepare(place);
      await server.start();
    },
    async close(keep) {
      await server.stop();
      await ports?.release();
      if (!keep && place !== undefined) rmSync(place.dir, { recursive: true, force: true });
    },
  };
}
