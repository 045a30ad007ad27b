import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { setBlocking } from '../../sys/blocking.ts';
import { reason } from '../../sys/errno.ts';
import type { Dialed } from './dial.ts';

/** What a UCSPI client says of the connection (http://cr.yp.to/proto/ucspi.txt); undefined: not to be there. */
export function ucspi({ socket, target }: Dialed): Record<string, string | undefined> {
  return {
    PROTO: 'TCP',
    TCPREMOTEHOST: target.host === socket.remoteAddress ? undefined : target.host,
    TCPREMOTEIP: socket.remoteAddress,
    TCPREMOTEPORT: String(socket.remotePort),
    TCPREMOTEINFO: undefined,
    TCPLOCALHOST: undefined,
    TCPLOCALIP: socket.localAddress,
    TCPLOCALPORT: String(socket.localPort),
  };
}

export type HandedOver = {
  child: ChildProcess;
  /** Its exit code, or the signal that killed it. @throws Fatal 111 if it can't be started */
  ended: Promise<number | NodeJS.Signals>;
};

/** What a program finds at a descriptor: the same as we have there, or the other end of `child.stdio[FD]`. */
export type Extra = readonly [fd: number, what: 'inherit' | 'pipe'];

/**
 * Runs a program with the connection on descriptors 6 and 7. Our copy of the connection is closed as soon as the program
 * has it, so that nothing passes through us and the program's end is the connection's.
 * @throws Fatal 111 if there are too few descriptors to start it
 */
export function handOver(
  program: string,
  args: readonly string[],
  dialed: Dialed,
  extras: readonly Extra[],
  env: NodeJS.ProcessEnv,
): HandedOver {
  setBlocking(dialed.socket);
  const child = spawn(program, args, {
    stdio: descriptors(dialed.socket, extras),
    env: { ...env, ...ucspi(dialed) },
  });
  dialed.socket.destroy();
  // Types have it otherwise, but without descriptors for pipes there are no streams at all.
  if (child.stdio === undefined) {
    // It is told once more, later.
    child.on('error', () => {});
    throw new Fatal(EXIT.temporary, `cannot start ${program}: too many open files (see ulimit -n)`);
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', (error) => {
      reject(new Fatal(EXIT.temporary, `cannot start ${program}: ${reason(error)}`));
    });
    child.on('exit', (code, signal) => resolve(code ?? signal!));
  });
  return { child, ended };
}

function descriptors(socket: Socket, extras: readonly Extra[]): StdioOptions {
  const last = Math.max(7, ...extras.map(([fd]) => fd));
  const stdio: (Socket | 'inherit' | 'ignore' | 'pipe')[] = Array(last + 1).fill('ignore');
  stdio.fill('inherit', 0, 3);
  for (const [fd, what] of extras) stdio[fd] = what;
  stdio[6] = stdio[7] = socket;
  return stdio;
}
