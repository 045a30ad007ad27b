/**
 * A client as small as a test needs it: the peer of the daemons under test, and what tests this server. It does as it is
 * told and checks nothing but the server's certificate and signature.
 */
import { randomBytes } from 'node:crypto';
import {
  acknowledgement,
  arrived,
  departs,
  enableRequest,
  fresh,
  handled,
  type Resumable,
  resumeRequest,
} from './client-manage.ts';
import { scramClient } from './client-scram.ts';
import { openStream, type StreamOptions } from './client-stream.ts';
import { createJournal, type Received } from './journal.ts';
import { child, type Element, elements, NS, text, value, write } from './xml.ts';

export type ClientOptions = StreamOptions & {
  user: string;
  password: string;
  /** Default: the server's choice. */
  resource?: string;
  /** Default SCRAM-SHA-256. */
  mechanism?: string;
  /** For a -PLUS mechanism: `tls-exporter` (default) or `tls-server-end-point`. */
  binding?: string;
  /** Sends initial presence, `<presence/>`. Default true. */
  available?: boolean;
  /** Stream management: true, or how long the session shall last without a connection in seconds. Default: none. */
  manage?: boolean | number;
  /** An earlier session (`client.managed`) to go on with; if the server won't, there is a new one. */
  resume?: Resumable;
  /** Answers the server's requests for acknowledgement. Default true; false: nothing is ever acknowledged. */
  acknowledge?: boolean;
};

export type Client = {
  /** The full JID as bound. */
  jid: string;
  /** The features of the last stream header. */
  features: Element;
  /** Stream management, undefined: there is none. */
  managed: Resumable | undefined;
  /** It goes on with an earlier session. */
  resumed: boolean;
  /** Why it does not, the server's `<failed/>`; otherwise the empty string. */
  failed: string;
  /** With stream management: one stanza a call. */
  send(xml: string): void;
  /** Sends a get or set and waits for the answer from anybody, a result or an error. */
  iq(type: 'get' | 'set', payload: string, to?: string): Promise<Element>;
  /** Top-level elements that came since the session is there, oldest first. */
  received(): readonly Received[];
  /** The first of them, past or to come, for which the predicate holds. */
  waitFor(predicate: (received: Received) => boolean, ms?: number): Promise<Element>;
  /** Why it ended: the condition of the server's stream error, `closed` after `</stream:stream>`, `lost` without. */
  ended: Promise<string>;
  /** Ends the stream and waits for the server to do the same. */
  close(): Promise<void>;
  /** Cuts the connection. */
  destroy(): void;
};

/** Logs in and binds. Rejects with the condition if the server refuses: `not-authorized`, `host-unknown`, `lost`. */
export async function connectClient(options: ClientOptions): Promise<Client> {
  const { user, password, mechanism = 'SCRAM-SHA-256' } = options;
  const stream = await openStream(options);
  const encode = (data: string | Buffer) => Buffer.from(data).toString('base64');
  const decode = (e: Element) => Buffer.from(text(e), 'base64').toString();
  const auth = (data: string | Buffer) =>
    stream.ask(`<auth xmlns='${NS.sasl}' mechanism='${mechanism}'>${encode(data) || '='}</auth>`);
  const accept = (e: Element, name: string) => {
    if (e.name !== name) throw new Error(elements(e)[0]?.name ?? e.name);
    return e;
  };

  let success: Element;
  if (mechanism === 'PLAIN') success = await auth(`\0${user}\0${password}`);
  else if (mechanism === 'EXTERNAL') success = await auth('');
  else {
    const login = scramClient(mechanism, user, password, options.binding ?? 'tls-exporter', stream.tls());
    const final = login.final(decode(accept(await auth(login.first), 'challenge')));
    success = await stream.ask(`<response xmlns='${NS.sasl}'>${encode(final.message)}</response>`);
    if (decode(accept(success, 'success')) !== final.expected) throw new Error('wrong server signature');
  }
  accept(success, 'success');
  const features = await stream.restart();

  let managed: Resumable | undefined;
  let failed = '';
  const resume = async (state: Resumable): Promise<string | undefined> => {
    const answer = await stream.ask(resumeRequest(state));
    if (answer.name !== 'resumed') {
      failed = write(answer);
      return undefined;
    }
    managed = { ...state, waiting: [...state.waiting] };
    handled(managed, Number(answer.attrs.h));
    return state.jid;
  };
  const bind = async (): Promise<string> => {
    const resource = options.resource === undefined ? '' : `<resource>${options.resource}</resource>`;
    const answer = await stream.ask(`<iq type='set' id='bind'><bind xmlns='${NS.bind}'>${resource}</bind></iq>`);
    if (answer.attrs.type !== 'result') throw new Error(elements(child(answer, 'error', NS.client)!)[0]!.name);
    return text(child(child(answer, 'bind', NS.bind)!, 'jid'));
  };
  const enable = async (max: boolean | number) => {
    const { attrs } = accept(await stream.ask(enableRequest(max === true ? undefined : Number(max))), 'enabled');
    const { id = '', max: given = '', location = '' } = attrs;
    managed = { ...fresh(jid), id, max: given, location };
  };
  const resumed = options.resume === undefined ? undefined : await resume(options.resume);
  const jid = resumed ?? (await bind());
  if (resumed === undefined && options.manage) await enable(options.manage);

  const journal = createJournal(100_000);
  stream.listen((e) => {
    const reply = managed === undefined ? '' : arrived(managed, e);
    if (reply !== '' && options.acknowledge !== false) stream.send(reply);
    journal.add(jid, e);
  });
  const send = (xml: string) => {
    if (managed !== undefined) departs(managed, xml);
    stream.send(xml);
  };
  if (resumed !== undefined) for (const xml of managed?.waiting ?? []) stream.send(xml);
  else if (options.available !== false) send('<presence/>');

  let ids = 0;
  const waitFor: Client['waitFor'] = async (predicate, ms) => (await journal.waitFor(predicate, ms)).stanza;
  return {
    jid,
    features,
    managed,
    resumed: resumed !== undefined,
    failed,
    send,
    iq(type, payload, to) {
      const id = `c${++ids}-${randomBytes(4).toString('hex')}`;
      send(`<iq type='${type}' id='${id}'${to === undefined ? '' : ` to='${value(to)}'`}>${payload}</iq>`);
      return waitFor(
        ({ stanza: { name, attrs } }) => name === 'iq' && attrs.id === id && /^(result|error)$/.test(attrs.type ?? ''),
      );
    },
    received: journal.all,
    waitFor,
    ended: stream.ended,
    async close() {
      if (managed !== undefined && options.acknowledge !== false) stream.send(acknowledgement(managed));
      stream.send('</stream:stream>');
      await stream.ended;
    },
    destroy: stream.destroy,
  };
}
