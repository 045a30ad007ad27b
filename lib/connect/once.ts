/** xmppc without -k: one connection, one sj, and its exit code. */
import { closeSync } from 'node:fs';
import { EXIT, Fatal, type Say } from '../cli/die.ts';
import type { Arguments } from './arguments.ts';
import { dial } from './dial.ts';
import { type Extra, type HandedOver, handOver } from './handover.ts';
import { servers } from './servers.ts';
import { takeSignals } from './signals.ts';

const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGALRM', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Connects, runs sj and waits for its end; signals that come to us are passed on.
 * @param sj the program
 * @throws Fatal 111 if there is no connection, if sj can't be started, or a signal killed it
 */
export async function connectOnce(args: Arguments, sj: string, say: Say): Promise<number> {
  const dialed = await dial(args.domain, await servers(args, say));
  const argv = [...args.sj];
  const extras: Extra[] = [];
  const hand = (letter: string, fd: number | undefined, what: Extra[1]) => {
    if (fd === undefined) return;
    argv.push(letter, `${fd}`);
    extras.push([fd, what]);
  };
  hand('-p', args.password, 'inherit');
  // systemd has to be told by us.
  const { NOTIFY_SOCKET: socket, ...env } = process.env;
  const ours = socket ? (args.password === 3 ? 4 : 3) : undefined;
  if (ours === undefined) hand('-n', args.ready, 'inherit');
  else hand('-n', ours, 'pipe');
  if (dialed.target.tls) argv.push('-x');

  let running: HandedOver | undefined;
  // Before there is a child: a signal that comes in between is kept for it until we are back in the event loop.
  const untake = takeSignals(PASSED_ON, (signal, typed) => {
    // A terminal sends to the whole foreground group, so sj has it already; once is enough.
    if (!typed) running?.child.kill(signal);
  });
  running = handOver(sj, argv, dialed, extras, env);
  // Who holds the other end of a descriptor is to see what sj does with it.
  for (const [fd, what] of extras) if (what === 'inherit' && fd > 2) closeSync(fd);
  if (ours !== undefined) {
    const { tellSupervisor } = await import('./supervisor.ts');
    const supervisor = tellSupervisor(args.ready, socket, say);
    const pipe = running.child.stdio[ours];
    pipe?.on('error', () => {});
    pipe?.once('data', () => supervisor.ready(`online ${args.account}`));
  }
  const how = await running.ended.finally(untake);
  if (typeof how === 'number') return how;
  throw new Fatal(EXIT.temporary, `${sj} was killed by ${how}`);
}
