import { closeSync, writeSync } from 'node:fs';
import { inherited } from '../sys/inherited.ts';
import { descriptor } from './descriptor.ts';
import { EXIT, Fatal } from './exit.ts';

/** The descriptor of an option, if it was given. To be asked at start. @throws Fatal 100 if it is not open */
export function openDescriptor(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const fd = descriptor(text, option);
  if (inherited(fd) === null) throw new Fatal(EXIT.usage, `option ${option}: descriptor ${fd} is not open`);
  return fd;
}

/**
 * Tells a supervisor that the service is there, as s6 wants to be told (https://skarnet.org/software/s6/notifywhenup.html):
 * a newline, and the end. That nobody wants to know any more is no fault.
 */
export function tellReady(fd: number): void {
  try {
    writeSync(fd, '\n');
  } catch {}
  closeSync(fd);
}
