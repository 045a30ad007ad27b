/** Telling a supervisor how the service is doing: s6 by a descriptor, systemd by its own program, since Node has no
 * datagram sockets of the UNIX domain. */
import { spawn } from 'node:child_process';
import type { Say } from '../../cli/messages.ts';
import { tellReady } from '../../cli/readiness.ts';
import { reason } from '../../sys/errno.ts';

export type Supervisor = {
  /** The account is online. Only the first time counts as readiness. */
  ready(status: string): void;
  status(text: string): void;
};

/**
 * @param fd as s6 wants to be told (`-n`)
 * @param socket what NOTIFY_SOCKET says
 */
export function tellSupervisor(fd: number | undefined, socket: string | undefined, say: Say): Supervisor {
  let isReady = false;
  let complained = false;
  /** What systemd is to be told next, while it is being told something else. */
  let next: string[] | null = null;
  let telling = false;

  function tell(args: string[]): void {
    if (!socket) return;
    if (telling) {
      // The newest status is what counts, but that we are ready must not get lost.
      next = next?.includes(READY) && !args.includes(READY) ? [READY, ...args] : args;
      return;
    }
    telling = true;
    const child = spawn('systemd-notify', args, {
      stdio: 'ignore',
      env: { ...process.env, NOTIFY_SOCKET: socket },
    });
    // Nobody waits for it when we end.
    child.unref();
    const over = (why: string | null) => {
      telling = false;
      if (why !== null && !complained) say.warn(`cannot tell systemd: ${why}`);
      complained ||= why !== null;
      const args = next;
      next = null;
      if (args !== null) tell(args);
    };
    child.on('error', (error) => over(`systemd-notify: ${reason(error)}`));
    child.on('exit', (code, signal) => over(code === 0 ? null : `systemd-notify ended with ${code ?? signal}`));
  }

  return {
    ready(status) {
      if (!isReady && fd !== undefined) tellReady(fd);
      tell(isReady ? [`--status=${status}`] : [READY, `--status=${status}`]);
      isReady = true;
    },
    status: (text) => tell([`--status=${text}`]),
  };
}

const READY = '--ready';
