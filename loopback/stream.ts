/** A client's stream from its first byte to its last: RFC 6120, with binding or resumption at the end of the negotiation. */
import { randomUUID, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { bind } from './bind.ts';
import { certified, channelBinding } from './credentials.ts';
import { createCuts } from './cuts.ts';
import { features, mechanisms } from './features.ts';
import type { Account, Hub, Session } from './hub.ts';
import { parseJid } from './jid.ts';
import { createLink, type TlsOptions } from './link.ts';
import { answer, failed } from './management.ts';
import { createReader, type Header, type Reader, StreamError, streamError } from './reader.ts';
import { abandon, depart, resume, welcome } from './resumption.ts';
import { handleStanza } from './routing.ts';
import { type Exchange, exchange, type Step } from './sasl.ts';
import { type Element, el, NS, text, value, write } from './xml.ts';

/** What a stream needs of the server around it. */
export type Surroundings = {
  hub: Hub;
  tls: (direct: boolean) => TlsOptions;
  /** The server's certificate: tls-server-end-point is about it. */
  certificate: X509Certificate;
  /** Who signs the certificates of clients. */
  authority: X509Certificate;
  /** Sees the plain text of both directions; `jid` is empty before bind. */
  onRaw: ((direction: 'in' | 'out', data: string | Uint8Array, jid: string) => void) | undefined;
};

/** How often a client may fail to log in on one stream. */
const ATTEMPTS = 3;

/** What can be done to a connection that may have no session yet. */
export type Stream = {
  end(condition?: string, text?: string): void;
  destroy(reset?: boolean): void;
  silent(): boolean;
};

/** Serves a connection; `closed` is called once when it is gone. */
export function serve(around: Surroundings, raw: Socket, direct: boolean, closed: () => void): Stream {
  const { hub } = around;
  let reader: Reader;
  let headerSent = false;
  let over = false;
  let domain = '';
  let account: Account | undefined;
  let session: Session | undefined;
  let login: Exchange | undefined;
  let mechanism = '';
  let failures = 0;

  const link = createLink(raw, {
    data: (bytes) => cuts.bytesReceived(bytes, read),
    secured: () => restart(),
    ended() {
      link.end();
      lost();
    },
    closed() {
      lost();
      closed();
    },
  });
  const cuts = createCuts(hub, link, () => account?.bare ?? '');
  const say = (data: string | Uint8Array) => {
    around.onRaw?.('out', data, session?.jid.full ?? '');
    return cuts.bytesSent(data);
  };
  const send = (e: Element) => {
    if (session !== undefined && e.ns === NS.client) cuts.sent(write(e), say);
    else void say(write(e));
  };
  /** No more of this stream. The session ends if somebody said so. */
  const lost = (why?: string) => {
    over = true;
    const left = session;
    session = undefined;
    // Another connection may have it by now.
    if (left?.link !== link) return;
    if (why === undefined) abandon(hub, left);
    else depart(hub, left, why);
  };
  const silentFrom = (point: NonNullable<Hub['faults']['silentFrom']>) => {
    if (hub.faults.silentFrom !== point) return false;
    link.silence('deaf');
    hub.journal.changed();
    return true;
  };

  const read = (bytes: Uint8Array) => {
    if (over || cuts.deaf) return;
    around.onRaw?.('in', bytes, session?.jid.full ?? '');
    try {
      const rest = reader.write(bytes);
      // Before the answer to STARTTLS or SASL is there, nobody can know what follows: somebody has put it there.
      if (rest.trim() !== '') link.destroy();
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      end(error.condition, error.message, error.details);
    }
  };
  const restart = () => {
    headerSent = false;
    reader = createReader(hub.settings.stanzaLimit, { open, stanza, close });
  };
  const close = () => {
    // The client shall know what it need not send again.
    if (session?.managed !== undefined && hub.faults.sm?.neverAcknowledge !== true) send(answer(hub, session.managed));
    end();
  };

  /** Closes the stream, with an error or without. */
  const end = (condition?: string, message?: string, details?: Element) => {
    if (over) return;
    if (!headerSent) sendHeader({});
    if (condition !== undefined) send(streamError(condition, message, details));
    void say('</stream:stream>');
    // In this order: what the others hear of it is not for this stream.
    link.end();
    lost(condition ?? 'closed');
  };

  const sendHeader = (attrs: Record<string, string>) => {
    headerSent = true;
    const to = attrs.from === undefined ? '' : ` to='${value(attrs.from)}'`;
    const from = hub.faults.headerFrom ?? (domain || hub.settings.domains[0]!);
    void say(
      `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.streams}' version='1.0' xml:lang='en'` +
        ` id='${randomUUID()}' from='${value(from)}'${to}>`,
    );
  };

  const open = ({ attrs, name, ns, contentNs }: Header) => {
    if (silentFrom('header')) return;
    const to = parseJid(attrs.to ?? '')?.full;
    if (to !== undefined && hub.settings.domains.includes(to)) domain = to;
    sendHeader(attrs);
    if (name !== 'stream' || ns !== NS.streams || contentNs !== NS.client) throw new StreamError('invalid-namespace');
    if (to === undefined || to !== domain) throw new StreamError('host-unknown');
    if (attrs.version !== '1.0') throw new StreamError('unsupported-version');
    if (hub.faults.streamError !== undefined) throw new StreamError(hub.faults.streamError);
    const xml = write(features(hub, { secure: link.tls !== undefined, authenticated: account !== undefined }));
    void say(hub.faults.features?.(xml) ?? xml);
  };

  const stanza = (e: Element) => {
    if (over || cuts.deaf) return;
    if (session !== undefined) {
      if (e.ns !== NS.client || cuts.received()) handleStanza(hub, session, e);
      return;
    }
    if (account !== undefined) return binding(account, e);
    if (e.ns === NS.tls && e.name === 'starttls' && link.tls === undefined) return starttls();
    if (e.ns === NS.sasl) return sasl(e);
    throw new StreamError('not-authorized');
  };

  const starttls = () => {
    reader.stop();
    if (silentFrom('starttls')) return;
    if (hub.faults.starttlsFailure === true) {
      send(el('failure', NS.tls));
      return end();
    }
    void say((hub.faults.proceed ?? write(el('proceed', NS.tls))) + (hub.faults.afterProceed ?? ''));
    link.secure(around.tls(false));
  };

  const sasl = (e: Element) => {
    if (silentFrom('auth')) return;
    if (e.name === 'abort') {
      login = undefined;
      return refuse('aborted', '');
    }
    if (e.name === 'auth') {
      mechanism = e.attrs.mechanism ?? '';
      if (hub.faults.authFailure !== undefined) return refuse(hub.faults.authFailure, '');
      login = exchange(mechanism, saslSide());
      if (login === undefined) {
        const secret = mechanism !== '' && link.tls === undefined;
        return refuse(secret ? 'encryption-required' : 'invalid-mechanism', '');
      }
      // Without an initial response the client is asked for one.
      if (text(e) === '') return send(el('challenge', NS.sasl));
    } else if (e.name !== 'response' || login === undefined) throw new StreamError('not-authorized');
    const encoded = text(e);
    if (encoded !== '=' && !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return refuse('incorrect-encoding', '');
    step(login(Buffer.from(encoded, 'base64')));
  };

  const saslSide = () => ({
    domain,
    offered: mechanisms(hub, link.tls !== undefined),
    password: (user: string) => hub.accounts.get(`${user}@${domain}`)?.password,
    iterations: hub.settings.iterations,
    binding: (type: string) =>
      hub.settings.channelBindings.includes(type) ? channelBinding(type, link.tls, around.certificate.raw) : undefined,
    certified: certified(link.tls, around.authority),
    faults: hub.faults,
  });

  const step = (answer: Step) => {
    const payload = (data: string) => (data === '' ? [] : [Buffer.from(data).toString('base64')]);
    if (answer.kind === 'failure') return refuse(answer.condition, answer.text);
    if (answer.kind === 'challenge') return send(el('challenge', NS.sasl, {}, ...payload(answer.data)));
    account = hub.accounts.get(`${answer.user.toLowerCase()}@${domain}`);
    if (account === undefined) return refuse('not-authorized', '');
    send(el('success', NS.sasl, {}, ...payload(answer.data)));
    reader.stop();
    restart();
  };

  const refuse = (condition: string, message: string) => {
    login = undefined;
    const words = hub.faults.authText ?? message;
    send(el('failure', NS.sasl, {}, el(condition, NS.sasl), ...(words === '' ? [] : [el('text', NS.sasl, {}, words)])));
    if (++failures >= ATTEMPTS) end('policy-violation', 'too many failed logins');
  };

  const binding = (user: Account, e: Element) => {
    if (silentFrom('bind')) return;
    const connection = { link, mechanism, write: send, end };
    if (e.ns !== NS.sm || hub.faults.sm?.none === true) session = bind(hub, user, e, connection);
    else if (e.name !== 'resume') send(failed('unexpected-request'));
    else {
      session = resume(hub, user, e, connection);
      if (session !== undefined) welcome(hub, session);
    }
  };

  const tls = direct ? around.tls(true) : undefined;
  if (!silentFrom('connect')) {
    if (tls !== undefined) link.secure(tls);
    else restart();
  }
  return { end, destroy: link.destroy, silent: () => link.silent };
}
