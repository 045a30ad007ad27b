/** Between us and the server: passes everything on, until it is told to do it badly. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Relay = {
  readonly port: number;
  /** Breaks all connections off with a reset. */
  reset(): void;
  /** On the connections that there are nothing passes any more, and nobody is told. */
  hole(): void;
  /** Everything on the connections that there are comes so many milliseconds later. */
  delay(ms: number): void;
  /** The server, or we, have no more to say, as the other side sees it. */
  halfClose(which: 'server' | 'client'): void;
  close(): void;
};

type Pair = { readonly near: Socket; readonly far: Socket; held: boolean; delay: number };

/** Passes connections on to a port of ours. */
export async function startRelay(to: number): Promise<Relay> {
  const pairs = new Set<Pair>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { near, far, held: false, delay: 0 };
    pairs.add(pair);
    const over = () => {
      // Who is behind a hole does not hear of anything.
      if (pair.held && !far.destroyed) return;
      pairs.delete(pair);
    };
    pass(pair, near, far, over);
    pass(pair, far, near, over);
  });
  const each = (act: (pair: Pair) => void) => {
    for (const pair of [...pairs]) act(pair);
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    reset: () =>
      each(({ near, far }) => {
        near.resetAndDestroy();
        far.resetAndDestroy();
      }),
    hole: () =>
      each((pair) => {
        pair.held = true;
        pair.near.pause();
        pair.far.pause();
      }),
    delay: (ms) => each((pair) => void (pair.delay = ms)),
    halfClose: (which) => each(({ near, far }) => void (which === 'server' ? near : far).end()),
    close() {
      server.close();
      each(({ near, far }) => {
        near.destroy();
        far.destroy();
      });
    },
  };
}

function pass(pair: Pair, from: Socket, into: Socket, over: () => void): void {
  const waiting: { due: number; act: () => void }[] = [];
  let timer: NodeJS.Timeout | null = null;
  /** In order, whatever the delay is changed to. */
  function run(): void {
    timer = null;
    while (waiting.length > 0 && waiting[0]!.due <= Date.now()) waiting.shift()!.act();
    if (waiting.length > 0) timer = setTimeout(run, waiting[0]!.due - Date.now());
  }
  const later = (act: () => void) => {
    waiting.push({ due: Date.now() + pair.delay, act });
    if (timer === null) run();
  };
  from.setNoDelay(true);
  from.on('data', (bytes) =>
    later(() => {
      if (into.writable && !into.write(bytes)) from.pause();
    }),
  );
  into.on('drain', () => {
    if (!pair.held) from.resume();
  });
  from.on('end', () => later(() => into.end()));
  from.on('error', () => {});
  from.on('close', () => {
    if (!pair.held) into.destroy();
    over();
  });
}
