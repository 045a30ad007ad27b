/**
 * Where the password comes from. Never from the arguments or the environment, which others can read, and it goes
 * nowhere but to the caller.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type ConnectOpts, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { join } from 'node:path';
import { setBlocking } from '../sys/blocking.ts';
import { errno, reason } from '../sys/errno.ts';
import { inherited } from '../sys/inherited.ts';
import { printable } from '../sys/printable.ts';
import { EXIT, Fatal } from './exit.ts';
import { inBackground } from './terminal.ts';

/** Bytes of a password, not counting the end of its line. */
const LIMIT = 4096;
/** Room for a carriage return, and for one byte that shows that there is too much. */
const ROOM = LIMIT + 2;
const NEWLINE = 0x0a;

/**
 * The password: the first line of descriptor `fd` if one is given, else of the file `password` in `dir`, else typed on
 * the terminal, else the first line of stdin. Only that line is consumed. No such file, no such terminal: the next one
 * is asked; anything else that is wrong ends the search.
 * @param account whom it is for, as the prompt says
 * @throws Fatal 100 if there is no password, or the source is not fit to be trusted or read; 111 if the terminal is gone
 */
export async function readPassword({
  fd,
  dir,
  account,
}: {
  fd?: number | undefined;
  dir: string;
  account?: string;
}): Promise<string> {
  const question = account === undefined ? 'password: ' : `password for ${printable(account)}: `;
  if (fd !== undefined) return decode(await firstLine(fd, question));
  const file = openFile(join(dir, 'password'));
  if (file !== null) return decode(readLine(file));
  const terminal = openTerminal();
  return decode(terminal === null ? await firstLine(0, question) : await prompt(terminal, question));
}

async function prompt(terminal: number, question: string): Promise<Buffer> {
  // The system would stop us without a word.
  if (inBackground(terminal)) {
    if (terminal > 2) closeSync(terminal);
    throw new Fatal(
      EXIT.usage,
      'cannot ask for the password from the background: start in the foreground, or put it into the file password',
    );
  }
  // Most starts need none of it.
  const { ask } = await import('./prompt.ts');
  return ask(terminal, question, ROOM);
}

/** Opens the password file if there is one; only a plain file that nobody but us can read or replace will do. */
function openFile(path: string): number | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errno(error) === 'ENOENT') return null;
    throw refused(path, errno(error) === 'ELOOP' ? 'a symbolic link' : reason(error));
  }
  const stat = fstatSync(fd);
  let fault: string | undefined;
  if (!stat.isFile()) fault = 'not a regular file';
  else if (stat.uid !== process.geteuid?.()) fault = 'it belongs to somebody else';
  else if ((stat.mode & 0o077) !== 0) fault = `others have access to it (chmod 600 ${path})`;
  if (fault === undefined) return fd;
  closeSync(fd);
  throw refused(path, fault);
}

function refused(path: string, why: string): Fatal {
  return new Fatal(EXIT.usage, `cannot use ${path}: ${why}`);
}

function openTerminal(): number | null {
  try {
    return openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY);
  } catch {
    return null;
  }
}

/** The first line of a descriptor that was handed to us. */
async function firstLine(fd: number, question: string): Promise<Buffer> {
  switch (inherited(fd)) {
    case 'tty':
      return prompt(fd, question);
    case 'socket':
    case 'fifo':
      return receiveLine(fd);
    case 'file':
    case 'char':
      return readLine(fd);
    case null:
      throw unreadable(fd, 'it is not open');
  }
}

function unreadable(fd: number, why: string): Fatal {
  return new Fatal(EXIT.usage, `cannot read the password from descriptor ${fd}: ${why}`);
}

// Byte by byte, here and below: what stands after the line is not ours, somebody else may go on reading there.

function readLine(fd: number): Buffer {
  const line = Buffer.alloc(ROOM);
  let length = 0;
  try {
    while (length < ROOM && readSync(fd, line, length, 1, null) === 1 && line[length] !== NEWLINE) length++;
  } catch (error) {
    throw unreadable(fd, reason(error));
  }
  if (fd > 2) closeSync(fd);
  return line.subarray(0, length);
}

function receiveLine(fd: number): Promise<Buffer> {
  const line = Buffer.alloc(ROOM);
  let length = 0;
  return new Promise((resolve, reject) => {
    const finish = () => {
      setBlocking(socket);
      socket.destroy();
      resolve(line.subarray(0, length));
    };
    const take = (_count: number, [byte]: Uint8Array) => {
      if (byte !== NEWLINE) line[length++] = byte!;
      const more = byte !== NEWLINE && length < ROOM;
      if (!more) finish();
      return more;
    };
    const socket = receiver(fd, take);
    socket.on('end', finish);
    socket.on('error', (error) => reject(unreadable(fd, reason(error))));
    socket.resume();
  });
}

function receiver(fd: number, callback: OnReadOpts['callback']): Socket {
  const settings: SocketConstructorOpts & ConnectOpts = {
    fd,
    readable: true,
    writable: false,
    onread: { buffer: Buffer.alloc(1), callback },
  };
  try {
    return new Socket(settings);
  } catch (error) {
    throw unreadable(fd, reason(error));
  }
}

/** Takes the end of the line off. @throws Fatal 100 if what is left can't be a password */
function decode(line: Buffer): string {
  const password = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  if (password.length === 0) throw new Fatal(EXIT.usage, 'no password');
  if (password.length > LIMIT) throw new Fatal(EXIT.usage, `the password is longer than ${LIMIT} bytes`);
  if (!isUtf8(password)) throw new Fatal(EXIT.usage, 'the password is not UTF-8');
  if (password.includes(0)) throw new Fatal(EXIT.usage, 'the password holds a NUL');
  return password.toString('utf8');
}
