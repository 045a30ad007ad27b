import { type StdioOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setBlocking } from '../cli/blocking.ts';
import { EXIT, Fatal, reason } from '../cli/die.ts';
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

/**
 * Runs a program with the connection on descriptors 6 and 7 and waits for its end. Our copy of the connection is closed
 * as soon as the program has it, so that nothing passes through us and the program's end is the connection's.
 * Signals that come to us are passed on.
 * @param passed a descriptor that the program shall have too, under the same number
 * @returns its exit code
 * @throws Fatal 111 if it can't be started, or a signal killed it
 */
export async function handOver(
  program: string,
  args: readonly string[],
  dialed: Dialed,
  passed: number | undefined,
): Promise<number> {
  setBlocking(dialed.socket);
  // Before there is a child: a signal that comes in between is kept for it until we are back in the event loop.
  const signals = forwardSignals();
  const child = spawn(program, args, {
    stdio: descriptors(dialed.socket, passed),
    env: { ...process.env, ...ucspi(dialed) },
  });
  signals.to((signal) => child.kill(signal));
  dialed.socket.destroy();
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', (error) => {
        reject(new Fatal(EXIT.temporary, `cannot start ${program}: ${reason(error)}`));
      });
      child.on('exit', (code, signal) => {
        if (code !== null) resolve(code);
        else reject(new Fatal(EXIT.temporary, `${program} was killed by ${signal}`));
      });
    });
  } finally {
    signals.stop();
  }
}

function descriptors(socket: Socket, passed: number | undefined): StdioOptions {
  const stdio: (Socket | 'inherit' | 'ignore')[] = Array(Math.max(8, (passed ?? 0) + 1)).fill('ignore');
  stdio.fill('inherit', 0, 3);
  if (passed !== undefined) stdio[passed] = 'inherit';
  stdio[6] = stdio[7] = socket;
  return stdio;
}

const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGALRM', 'SIGUSR1', 'SIGUSR2'] as const;
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

function forwardSignals() {
  let send: (signal: NodeJS.Signals) => void = () => {};
  const pass = (signal: NodeJS.Signals) => send(signal);
  // A terminal sends to the whole foreground group, so the program has it already; once is enough.
  const unlessTyped = (signal: NodeJS.Signals) => {
    if (!inForeground()) send(signal);
  };
  for (const signal of PASSED_ON) process.on(signal, pass);
  for (const signal of FROM_TERMINAL) process.on(signal, unlessTyped);
  return {
    to: (receiver: typeof send) => {
      send = receiver;
    },
    stop: () => {
      for (const signal of PASSED_ON) process.off(signal, pass);
      for (const signal of FROM_TERMINAL) process.off(signal, unlessTyped);
    },
  };
}

/** Whether our process group is the one that the terminal's keys speak to. Without /proc: as if there were no terminal. */
function inForeground(): boolean {
  try {
    // proc(5): after the name in parentheses come state, ppid, pgrp, session, tty_nr, tpgid.
    const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)!.split(' ');
    return fields[2] === fields[5];
  } catch {
    return false;
  }
}
