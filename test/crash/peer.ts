/**
 * A contact: a client that says numbered things, acknowledges what it gets, and comes back when the server has gone.
 * What the server had not acknowledged then is said again, marked as another try of the same number, so that nothing
 * that comes twice for this reason is mistaken for something that was doubled.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { scramClient } from '../../loopback/client-scram.ts';
import { openStream, type RawStream } from '../../loopback/client-stream.ts';
import { child, type Element, el, NS, text, write } from '../../loopback/xml.ts';

const SM = 'urn:xmpp:sm:3';

export type PeerOptions = {
  user: string;
  password: string;
  port: number;
  /** Whom to trust, PEM. */
  ca: string;
  /** Whom it speaks to, a bare JID. */
  to: string;
  /** A stanza has come. */
  received(stanza: Element): void;
};

export type Peer = {
  readonly jid: string;
  /** Whether it is logged in. */
  readonly online: boolean;
  /** Says the next number. */
  say(): void;
  /** How many numbers have been said. */
  readonly said: number;
  /** The number of tries of each number. */
  readonly tries: ReadonlyMap<number, number>;
  /** Numbers of which the server has acknowledged one try. */
  readonly acknowledged: ReadonlySet<number>;
  /** Sets its presence. */
  present(status: string): void;
  send(stanza: string): void;
  stop(): Promise<void>;
};

/** What it says: the try counts from 0. */
export const saying = (user: string, n: number, attempt: number): string => `${user}:${n}:${attempt}`;

type Open = { readonly n: number | null };

export function startPeer({ user, password, port, ca, to, received }: PeerOptions): Peer {
  const jid = `${user}@localhost`;
  const tries = new Map<number, number>();
  const acknowledged = new Set<number>();
  let said = 0;
  let status = 'first';
  let stream: RawStream | null = null;
  let stopped = false;
  /** What the server has not acknowledged, oldest first, and how many it has. */
  let open: Open[] = [];
  let base = 0;
  let got = 0;

  function put(stanza: string, n: number | null): void {
    if (stream === null) return;
    open.push({ n });
    stream.send(`${stanza}<r xmlns='${SM}'/>`);
  }

  function utter(n: number): void {
    const attempt = tries.get(n) ?? 0;
    if (stream !== null) tries.set(n, attempt + 1);
    const body = saying(user, n, attempt);
    put(`<message to='${to}' type='chat' id='${body}'><body>${body}</body></message>`, n);
  }

  const presence = () => write(el('presence', NS.client, {}, el('status', NS.client, {}, status)));

  function take(e: Element): void {
    if (e.ns === SM) {
      if (e.name === 'r') stream?.send(`<a xmlns='${SM}' h='${got}'/>`);
      else if (e.name === 'a') confirm(Number(e.attrs.h));
      return;
    }
    got++;
    const { type = '', from = '' } = e.attrs;
    if (e.name === 'presence' && type === 'subscribe') put(`<presence type='subscribed' to='${from}'/>`, null);
    else if (e.name === 'iq' && /^(get|set)$/.test(type)) put(write(answer(e)), null);
    else received(e);
  }

  function confirm(h: number): void {
    for (; base < h && open.length > 0; base++) {
      const { n } = open.shift()!;
      if (n !== null) acknowledged.add(n);
    }
  }

  async function live(): Promise<void> {
    const waiting = () => [...tries.keys()].filter((n) => !acknowledged.has(n));
    while (!stopped) {
      try {
        const made = await login({ user, password, port, ca });
        [stream, open, base, got] = [made, [], 0, 0];
        made.listen(take);
        put(presence(), null);
        for (const n of waiting()) utter(n);
        for (let n = 1; n <= said; n++) if (!tries.has(n)) utter(n);
        await made.ended;
      } catch {
        // The server is not there.
      }
      stream = null;
      await pause(50);
    }
  }

  const life = live();
  return {
    jid,
    get online() {
      return stream !== null;
    },
    say: () => utter(++said),
    get said() {
      return said;
    },
    tries,
    acknowledged,
    present(given) {
      status = given;
      put(presence(), null);
    },
    send: (stanza) => put(stanza, null),
    async stop() {
      stopped = true;
      stream?.send('</stream:stream>');
      stream?.destroy();
      await life;
    },
  };
}

const answer = (e: Element): Element =>
  el('iq', NS.client, { type: 'result', to: e.attrs.from, id: e.attrs.id }, ...e.children);

async function login({ user, password, port, ca }: Pick<PeerOptions, 'user' | 'password' | 'port' | 'ca'>) {
  const stream = await openStream({ port, ca, tls: 'direct' });
  try {
    const encode = (data: string) => Buffer.from(data).toString('base64');
    const scram = scramClient('SCRAM-SHA-1', user, password, '', stream.tls());
    const first = `<auth xmlns='${NS.sasl}' mechanism='SCRAM-SHA-1'>${encode(scram.first)}</auth>`;
    const challenge = Buffer.from(text(await stream.ask(first)), 'base64').toString();
    const { message } = scram.final(challenge);
    const success = await stream.ask(`<response xmlns='${NS.sasl}'>${encode(message)}</response>`);
    if (success.name !== 'success') throw new Error(success.name);
    await stream.restart();
    const bound = await stream.ask(
      `<iq type='set' id='bind'><bind xmlns='${NS.bind}'><resource>peer</resource></bind></iq>`,
    );
    if (child(bound, 'bind', NS.bind) === undefined) throw new Error('not bound');
    const enabled = await stream.ask(`<enable xmlns='${SM}'/>`);
    if (enabled.name !== 'enabled') throw new Error(enabled.name);
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  }
}
