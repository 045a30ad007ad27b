import { Socket } from 'node:net';
import { reason } from '../sys/errno.ts';
import { EXIT, Fatal } from './exit.ts';

/**
 * Watches a pipe or a socket whose other end somebody else holds, and never says anything: when it ends, they are gone.
 * It does not keep the process alive.
 * @throws Fatal 100 if the descriptor is something else
 */
export function onLeash(fd: number, gone: () => void): void {
  let socket: Socket;
  try {
    socket = new Socket({ fd, readable: true, writable: false });
  } catch (error) {
    throw new Fatal(EXIT.usage, `cannot watch descriptor ${fd}: ${reason(error)}`);
  }
  socket.on('error', () => {});
  socket.on('close', gone);
  socket.resume();
  socket.unref();
}
