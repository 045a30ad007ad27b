import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export type Relay = {
  readonly port: number;
  /** Breaks every connection off, without a goodbye. */
  cut(): void;
  /** From now on nothing passes, and nobody is told. */
  hold(): void;
  /** Breaks every connection off, and takes none before `open`. */
  shut(): Promise<void>;
  open(): Promise<void>;
};

/** Passes connections on to a port of ours, until the test is over. */
export async function startRelay(to: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(into);
      from.on('error', () => into.destroy());
      from.on('close', () => sockets.delete(from));
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cut,
    async shut() {
      const closed = once(server.close(), 'close');
      cut();
      await closed;
    },
    async open() {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    },
    hold() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
