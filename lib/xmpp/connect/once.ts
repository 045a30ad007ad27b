/** xmppc without -k: one session, on the first server that can be logged in to, and the exit code of its sj. */
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { EXIT, Fatal } from '../../cli/exit.ts';
import type { Say } from '../../cli/messages.ts';
import { readPassword } from '../../cli/password.ts';
import { endBy, hangupEnds } from '../../cli/terminal.ts';
import { accountDir, checkDirectory } from '../../tree/account.ts';
import type { Arguments } from './arguments.ts';
import { type Dialed, dial } from './dial.ts';
import { type Extra, type HandedOver, handOver } from './handover.ts';
import { servers } from './servers.ts';
import { takeSignals } from './signals.ts';
import { type Supervisor, tellSupervisor } from './supervisor.ts';

/** What asks for an end. */
const STOPS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/** What is passed on to sj. */
const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGALRM', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Connects, runs sj and waits for its end; signals that come to us are passed on. A server that fails
 * before the account is online (a certificate of somebody else, no TLS, no XMPP, silence) is not the last word while DNS names
 * others (RFC 6120 section 3.2.1).
 * @param sj the program
 * @throws Fatal 111 if there is no connection, if sj can't be started, or a signal killed it that nobody sent to us
 */
export async function connectOnce(args: Arguments, sj: string, say: Say): Promise<number> {
  // Before anybody is asked for the password or for the server.
  checkDirectory(accountDir(args.dir), 'makeable');
  const { NOTIFY_SOCKET: socket, ...env } = process.env;
  let targets = await servers(args, say);
  const several = targets.length > 1;
  // A password can be read once, and there may be several to hand it to.
  const password =
    several && !sjFindsPassword(args)
      ? await readPassword({ fd: args.password, dir: accountDir(args.dir), account: args.account })
      : null;
  const supervisor = tellSupervisor(args.ready, socket, say);
  const stops = hangupEnds() ? [...STOPS, 'SIGHUP' as const] : STOPS;
  for (;;) {
    const dialed = await dial(args.domain, targets);
    targets = targets.slice(targets.indexOf(dialed.target) + 1);
    const { code, online, stopped } = await session({ args, sj, env, password, supervisor, say, stops }, dialed);
    const elsewhere = code === EXIT.protocol || code === EXIT.temporary;
    if (!elsewhere || online || stopped || targets.length === 0) return code;
    say.warn(`trying another server, ${targets.length} left`);
  }
}

/** Whether sj is to look for the password itself: in the file, or not at all where it has a certificate. */
function sjFindsPassword({ password, dir }: Arguments): boolean {
  return password === undefined && ['password', 'cert.pem'].some((name) => existsSync(join(accountDir(dir), name)));
}

type Setting = {
  args: Arguments;
  sj: string;
  env: NodeJS.ProcessEnv;
  /** Read by us; null: sj reads it. */
  password: string | null;
  /** Told when the account is online. */
  supervisor: Supervisor;
  say: Say;
  /** The signals that ask for an end. */
  stops: readonly NodeJS.Signals[];
};

type Ended = { code: number; online: boolean; stopped: boolean };

async function session({ args, sj, env, password, supervisor, say, stops }: Setting, dialed: Dialed): Promise<Ended> {
  const argv = [...args.sj];
  const extras: Extra[] = [];
  const hand = (outgoingOf: string, fd: number | undefined, what: Extra[1]) => {
    if (fd === undefined) return;
    argv.push(outgoingOf, `${fd}`);
    extras.push([fd, what]);
  };
  if (password === null) hand('-p', args.password, 'inherit');
  else hand('-p', 5, 'pipe');
  const ready = args.password === 3 && password === null ? 4 : 3;
  hand('-n', ready, 'pipe');
  if (dialed.target.tls) argv.push('-x');

  let online = false;
  let stopped = false;
  let running: HandedOver | undefined;
  // Before there is a child: a signal that comes in between is kept for it until we are back in the event loop.
  const untake = takeSignals(PASSED_ON, (signal, typed) => {
    stopped ||= stops.includes(signal);
    // A terminal sends to the whole foreground group, so sj has it already; once is enough.
    if (!typed) running?.child.kill(signal);
  });
  running = handOver(sj, argv, dialed, extras, env);
  // Who holds the other end of a descriptor is to see what sj does with it.
  for (const [fd, what] of extras) if (what === 'inherit' && fd > 2) closeSync(fd);
  const stdio: readonly unknown[] = running.child.stdio;
  if (password !== null) {
    const pipe = stdio[5] as Writable;
    pipe.on('error', () => {});
    pipe.end(`${password}\n`);
  }
  const told = running.child.stdio[ready];
  told?.on('error', () => {});
  told?.once('data', () => {
    online = true;
    say.info(`online as ${args.account}`);
    supervisor.ready(`online ${args.account}`);
  });
  const how = await running.ended.finally(untake);
  // What it said last is there by now; and what it has left behind may hold the other end for ever.
  for (let i = 0; i < 2; i++) await turn();
  told?.destroy();
  if (typeof how === 'number') return { code: how, online, stopped };
  // sj had not begun yet to see to signals, or was asking for the password.
  if (stopped && stops.includes(how)) return endBy(how);
  throw new Fatal(EXIT.temporary, `${sj} was killed by ${how}`);
}
