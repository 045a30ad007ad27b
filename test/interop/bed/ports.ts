import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below what Linux hands out to outgoing connections, which could else take a port before its server does. */
const FIRST = 12_000;
const LAST = 32_000;
const BLOCK = 8;

export type Ports = {
  /** Ports of 127.0.0.1 that nobody else uses and no other test will take. */
  readonly ports: readonly number[];
  release(): Promise<void>;
};

/**
 * Claims a block of ports. Its first one stays bound by us for as long as the claim lasts: that is what keeps
 * tests that run at the same time, in this process or another, out of each other's blocks.
 */
export async function claimPorts(): Promise<Ports> {
  for (;;) {
    const base = FIRST + BLOCK * Math.floor((Math.random() * (LAST - FIRST)) / BLOCK);
    const [guard, ...others] = await Promise.all(Array.from({ length: BLOCK }, (_, i) => bind(base + i)));
    const free = [guard, ...others].every((server) => server);
    await Promise.all(others.map(close));
    if (free) {
      return { ports: others.map((_, i) => base + 1 + i), release: () => close(guard) };
    }
    await close(guard);
  }
}

async function bind(port: number): Promise<Server | null> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return server.unref();
  } catch {
    return null;
  }
}

async function close(server: Server | null | undefined): Promise<void> {
  if (server) await new Promise((done) => server.close(done));
}
