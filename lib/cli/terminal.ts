/** What a program owes to a terminal that others use at the same time, and what it takes from it. */
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

/** proc(5): the process group, its controlling terminal (0: none), and the group that the terminal's keys speak to. */
function jobControl(): { group: number; terminal: number; foreground: number } | null {
  try {
    // After the name in parentheses come state, ppid, pgrp, session, tty_nr, tpgid.
    const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)!.split(' ').map(Number);
    return { group: fields[2]!, terminal: fields[4]!, foreground: fields[5]! };
  } catch {
    return null;
  }
}

/** Whether our process group is the one that the terminal's keys speak to. Without /proc: as if there were no terminal. */
export function inForeground(): boolean {
  const job = jobControl();
  return job !== null && job.group === job.foreground;
}

/**
 * Whether the system would stop us for reading this terminal, because another job of it is in the foreground.
 * Without /proc nothing is known, so no.
 */
export function inBackground(fd: number): boolean {
  const job = jobControl();
  if (job === null || job.terminal === 0 || job.group === job.foreground) return false;
  const { rdev } = fstatSync(fd);
  return rdev === job.terminal || rdev === DEV_TTY;
}

/**
 * Whether SIGHUP means that our terminal is gone, and not that the network has changed, which supervisors tell by it: we
 * have a controlling terminal, and read from or write to a terminal. Under nohup(1) it is not so: Node has forgotten by
 * now that SIGHUP was ignored, but no standard descriptor is a terminal there. To be asked at start: later the terminal
 * may be gone. Without /proc: no.
 */
export function hangupEnds(): boolean {
  const job = jobControl();
  return job !== null && job.terminal !== 0 && [0, 1, 2].some((fd) => isatty(fd));
}

/**
 * Ends this process by a signal as if it had never been handled, so that who started it, a shell for one, sees that.
 * @returns never, unless the system is about to end us
 */
export function endBy(signal: NodeJS.Signals): Promise<never> {
  leaveTerminal();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return new Promise(() => {});
}

/** /dev/tty, device 5:0 on Linux: the controlling terminal, whichever it is. */
const DEV_TTY = 0x500;

/**
 * Closes each of descriptors 0, 1 and 2 that is a terminal, as the last act of a process. Node gives a terminal at exit
 * the modes that it found at its start, even from the background, where a shell or an editor has set others since; of a
 * descriptor that is closed it lets go. A prompt undoes by itself what it has changed.
 */
export function leaveTerminal(): void {
  for (const fd of [0, 1, 2]) {
    try {
      if (isatty(fd)) closeSync(fd);
    } catch {
      // It was not open.
    }
  }
}
