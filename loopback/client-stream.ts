/** The test client's connection: TCP, TLS and a stream that can be asked step by step. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createReader, StreamError } from './reader.ts';
import { type Element, el, elements, NS, value, write } from './xml.ts';

export type StreamOptions = {
  port: number;
  /** Whom to trust, PEM. */
  ca: string;
  /** Default `localhost`. */
  domain?: string;
  /** TLS: `starttls` (default), `direct`, or `none`. */
  tls?: 'starttls' | 'direct' | 'none';
  /** A client certificate. */
  pair?: { key: string; cert: string };
};

export type RawStream = {
  /** The features of the first stream that is as secure as asked. */
  features: Element;
  tls(): TLSSocket | undefined;
  send(xml: string): void;
  /** Sends something and gives the next top-level element. */
  ask(xml: string): Promise<Element>;
  /** Opens the stream again, gives the features. */
  restart(): Promise<Element>;
  /** From now on all elements go there. */
  listen(taker: (e: Element) => void): void;
  ended: Promise<string>;
  destroy(): void;
};

/** Connects, starts TLS and opens the stream; no login. */
export async function openStream(options: StreamOptions): Promise<RawStream> {
  const { port, ca, domain = 'localhost', tls: mode = 'starttls', pair } = options;
  const trust = { ca, servername: domain, minVersion: 'TLSv1.2', ...pair } as const;
  let tls: TLSSocket | undefined;
  let socket: Socket;
  let reader = createReader(1 << 30, { open() {}, stanza() {}, close() {} });
  const queue: Element[] = [];
  let taker: (e: Element) => void = (e) => void queue.push(e);
  let why = 'lost';
  let over = false;
  let end: (why: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  let waiting: { resolve(e: Element): void; reject(error: Error): void } | undefined;

  const take = (e: Element) => {
    if (e.ns === NS.streams && e.name === 'error') why = elements(e)[0]?.name ?? why;
    else if (waiting !== undefined) {
      waiting.resolve(e);
      waiting = undefined;
    } else taker(e);
  };
  const use = (next: Socket) => {
    socket = next;
    next.on('data', (bytes) => {
      try {
        reader.write(bytes);
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        why = error.condition;
        next.destroy();
      }
    });
    next.on('error', () => {});
    next.on('close', () => {
      over = true;
      waiting?.reject(new Error(why));
      end(why);
    });
  };
  const send = (xml: string) => void socket.write(xml);
  const next = () =>
    new Promise<Element>((resolve, reject) => {
      const ready = queue.shift();
      if (ready !== undefined) return resolve(ready);
      if (over) return reject(new Error(why));
      waiting = { resolve, reject };
    });
  const ask = (xml: string) => {
    send(xml);
    return next();
  };
  const restart = () => {
    reader = createReader(1 << 30, {
      open() {},
      stanza: take,
      close() {
        if (why === 'lost') why = 'closed';
        socket.end('</stream:stream>');
      },
    });
    return ask(
      `<?xml version='1.0'?><stream:stream to='${value(domain)}' version='1.0' xmlns='${NS.client}' xmlns:stream='${NS.streams}'>`,
    );
  };

  if (mode === 'direct') {
    tls = connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['xmpp-client'], ...trust });
    await connected(tls, 'secureConnect');
    use(tls);
  } else {
    const tcp = connectTcp({ port, host: '127.0.0.1' });
    await connected(tcp, 'connect');
    use(tcp);
  }
  let features = await restart();
  if (mode === 'starttls') {
    const proceed = await ask(write(el('starttls', NS.tls)));
    if (proceed.name !== 'proceed') throw new Error(proceed.name);
    socket!.removeAllListeners('data');
    tls = connectTls({ socket: socket!, ...trust });
    await connected(tls, 'secureConnect');
    use(tls);
    features = await restart();
  }
  return {
    features,
    tls: () => tls,
    send,
    ask,
    restart,
    listen(to) {
      for (const e of queue.splice(0)) to(e);
      taker = to;
    },
    ended,
    destroy: () => socket.destroy(),
  };
}

function connected(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('lost')));
    socket.once(event, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
