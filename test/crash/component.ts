/** Many contacts on one connection: a component of the server (XEP-0114 1.6) that speaks for all JIDs of its domain. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createReader } from '../../loopback/reader.ts';
import { type Element, text } from '../../loopback/xml.ts';

const NS = 'jabber:component:accept';

export type Component = {
  send(stanza: string): void;
  /** Bytes that wait for the server. */
  readonly behind: number;
  close(): void;
};

/** Logs in. @param received told of each stanza */
export async function startComponent(
  { port, domain, secret }: { port: number; domain: string; secret: string },
  received: (stanza: Element) => void,
): Promise<Component> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let ready: () => void = () => {};
  let failed: (error: Error) => void = () => {};
  const accepted = new Promise<void>((resolve, reject) => {
    ready = resolve;
    failed = reject;
  });
  const reader = createReader(1 << 30, {
    open({ attrs }) {
      const hash = createHash('sha1').update(`${attrs.id}${secret}`).digest('hex');
      socket.write(`<handshake>${hash}</handshake>`);
    },
    stanza(element) {
      if (element.name === 'handshake') ready();
      else if (element.name === 'error') failed(new Error(`the component is refused: ${text(element)}`));
      else received(element);
    },
    close: () => void socket.end(),
  });
  socket.on('data', (bytes) => void reader.write(bytes));
  socket.on('error', failed);
  socket.write(`<stream:stream xmlns='${NS}' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`);
  await accepted;
  return {
    send: (stanza) => void socket.write(stanza),
    get behind() {
      return socket.writableLength;
    },
    close: () => void socket.destroy(),
  };
}
