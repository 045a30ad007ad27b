import type { Socket } from 'node:net';

/**
 * Puts the descriptor under a socket back into blocking mode. O_NONBLOCK belongs to the open file and not to the
 * process, so whoever gets the descriptor after us would get it with the flag, and `cat` and shells don't expect it.
 * Node has no public call for that; where the private one is missing, the flag stays.
 */
export function setBlocking(socket: Socket): void {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) return;
  if (typeof handle.setBlocking === 'function') handle.setBlocking(true);
}
