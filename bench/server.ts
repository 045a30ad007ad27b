/**
 * The server of a measurement. It takes one client through PLAIN and bind, and from then on it only counts: it must cost
 * little beside the programs that are measured, so it is no parser. It understands what sj writes, not XML.
 */
import { EventEmitter, once } from 'node:events';
import net from 'node:net';

export type ServerOptions = {
  /** Offer stream management (XEP-0198 1.6), and ask for an acknowledgement with each block that is sent. */
  readonly managed: boolean;
  /** The contacts on the roster. */
  readonly roster: readonly string[];
};

export type Server = {
  readonly port: number;
  /** Resolves once the client has bound its resource and says something: its session is there. */
  readonly ready: Promise<void>;
  /** Sends stanzas; resolves when there is room for more. */
  send(stanzas: string | Buffer): Promise<void>;
  /** How many messages have come. */
  readonly messages: number;
  /** Calls whenever there are more; what it returns ends that. */
  onMessages(listener: () => void): () => void;
  /** Whether the client has sent presence. */
  readonly greeted: boolean;
  /** How many of our stanzas the client has acknowledged. */
  readonly acknowledged: number;
  close(): void;
};

const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='bench' from='bench.example' version='1.0'>";
const MECHANISMS =
  "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>";
const SM = "xmlns='urn:xmpp:sm:3'";

/** Something whole at the top of the stream, or near it: a body has no such tags, because `<` is escaped there. */
const PART = /<(\w+)(?: [^<>]*)?\/>|<\/(message|presence|iq|auth)>|<stream:stream [^>]*>/g;

export async function listen({ managed, roster }: ServerOptions): Promise<Server> {
  const events = new EventEmitter();
  const ready = once(events, 'ready').then(() => {});
  let peer: net.Socket | null = null;
  let text = '';
  let authenticated = false;
  let bound = false;
  let online = false;
  let messages = 0;
  let stanzas = 0;
  let acknowledged = 0;
  let greeted = false;

  function header(): void {
    const features = `<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>${managed ? `<sm ${SM}/>` : ''}</stream:features>`;
    peer!.write(HEADER + (authenticated ? features : MECHANISMS));
  }

  function iq(stanza: string): void {
    const id = / id=['"]([^'"]*)/.exec(stanza)?.[1];
    if (/ type=['"](result|error)/.test(stanza)) return;
    if (roster.length > 0 && stanza.includes('jabber:iq:roster')) {
      const items = roster.map((jid) => `<item jid='${jid}' subscription='both'/>`).join('');
      peer!.write(`<iq type='result' id='${id}'><query xmlns='jabber:iq:roster'>${items}</query></iq>`);
      return;
    }
    if (!stanza.includes('xmpp-bind')) {
      peer!.write(
        `<iq type='error' id='${id}'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
      );
      return;
    }
    bound = true;
    peer!.write(
      `<iq type='result' id='${id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>bench@bench.example/sj</jid></bind></iq>`,
    );
  }

  function stanza(name: string, whole: string): void {
    if (bound) {
      stanzas++;
      if (!online) {
        online = true;
        events.emit('ready');
      }
    }
    if (name === 'message') messages++;
    else if (name === 'iq') iq(whole);
    else greeted = true;
  }

  function data(chunk: Buffer): void {
    text += chunk.toString('latin1');
    const before = messages;
    let done = 0;
    for (const part of text.matchAll(PART)) {
      const name = part[1] ?? part[2] ?? 'header';
      const end = part.index + part[0].length;
      let from = text.indexOf('<', done);
      if (text.startsWith('<?xml', from)) from = text.indexOf('<', from + 1);
      // Something within a stanza.
      if (name !== 'header' && !text.startsWith(name, from + 1)) continue;
      const whole = text.slice(from, end);
      done = end;
      if (name === 'header') header();
      else if (name === 'auth') {
        authenticated = true;
        peer!.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
      } else if (name === 'enable') {
        stanzas = 0;
        peer!.write(`<enabled ${SM} id='bench' resume='true'/>`);
      } else if (name === 'r') peer!.write(`<a ${SM} h='${stanzas}'/>`);
      else if (name === 'a') acknowledged = Number(/ h=['"](\d+)/.exec(whole)![1]);
      else if (name === 'message' || name === 'presence' || name === 'iq') stanza(name, whole);
    }
    text = text.slice(done);
    if (messages > before) events.emit('messages');
  }

  const server = net.createServer((socket) => {
    peer = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', data);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as net.AddressInfo).port,
    ready,
    async send(bytes) {
      const room = peer!.write(bytes);
      if (managed) peer!.write(`<r ${SM}/>`);
      if (!room) await once(peer!, 'drain');
    },
    get messages() {
      return messages;
    },
    onMessages(listener) {
      events.on('messages', listener);
      return () => void events.off('messages', listener);
    },
    get greeted() {
      return greeted;
    },
    get acknowledged() {
      return acknowledged;
    },
    close() {
      peer?.destroy();
      server.close();
    },
  };
}
