/**
 * From an open connection to a session: stream header, STARTTLS, SASL, resource binding (RFC 6120 sections 4 to 7).
 * A state machine without sockets: it is told what arrives and says what to do through `Effects`. In each state only
 * what belongs there is accepted, in its own namespace; anything else ends the session.
 */
import { Element } from 'ltx';
import { EXIT, Fatal } from '../cli/die.ts';
import { full, tryJid } from '../jid/jid.ts';
import type { Bindings } from '../sasl/binding.ts';
import { choose } from '../sasl/choose.ts';
import { createClient, type SaslClient } from '../sasl/client.ts';
import { SaslError } from '../sasl/error.ts';
import { failure } from '../sasl/failure.ts';
import { canonical, escapeXml } from '../xml/write.ts';
import { STREAM_NS, streamFault } from './faults.ts';

const TLS_NS = 'urn:ietf:params:xml:ns:xmpp-tls';
const SASL_NS = 'urn:ietf:params:xml:ns:xmpp-sasl';
const BIND_NS = 'urn:ietf:params:xml:ns:xmpp-bind';
const SESSION_NS = 'urn:ietf:params:xml:ns:xmpp-session';
const BINDING_TYPES_NS = 'urn:xmpp:sasl-cb:0';

/** Ids of our own requests hold a colon, so they can't be those of a local program. */
const BIND_ID = 'sj:bind';

export type Account = {
  user: string;
  domain: string;
  /** What to ask the server to bind. */
  resource: string;
  /** TLS: `starttls` must be had from the server, `ours` and `outside` are in place, `optional` takes what there is. */
  tls: 'starttls' | 'ours' | 'outside' | 'optional';
  /** PLAIN may be used without TLS. */
  plainInClear: boolean;
  /** A client certificate is shown in TLS. */
  haveCert: boolean;
  /** The mechanism of earlier sessions. */
  floor: string | null;
  /** Asked only if the mechanism needs it. */
  password: () => Promise<string>;
};

export type Effects = {
  send(text: string): void;
  /** Begins TLS on the connection; afterwards call `secured`. */
  startTls(): void;
  /** What arrives from now on is a new stream. */
  restart(): void;
  /** The server has let us in, by this mechanism. */
  authenticated(mechanism: string): void;
  /** The session is there, and this is its full JID. */
  online(jid: string): void;
  /** Something that could only be found out later was wrong. */
  failed(error: Error): void;
};

export type Negotiation = {
  /** The connection is there. With TLS of our own on it already: what it can be bound with. */
  start(bindings: Bindings | null): void;
  /** TLS is in place. */
  secured(bindings: Bindings): void;
  header(element: Element): void;
  /** @param behind how many bytes have arrived after the element; @throws Fatal */
  element(element: Element, behind: number): void;
};

type State = 'header' | 'features' | 'proceed' | 'sasl' | 'computing' | 'bind' | 'online';

/** @throws Fatal from `header` and `element`: what ends the session, and its exit code */
export function negotiate(account: Account, effects: Effects): Negotiation {
  let state: State = 'header';
  let bindings: Bindings | null = null;
  let encrypted = account.tls === 'ours' || account.tls === 'outside';
  let authenticated = false;
  let client: SaslClient | null = null;

  const broken = (what: string): never => {
    throw new Fatal(EXIT.protocol, `the server broke the protocol: ${what}`);
  };

  function open(): void {
    state = 'header';
    const to = escapeXml(account.domain);
    // Who we are is nobody's business before TLS (RFC 6120 section 4.7.1).
    const from = encrypted && account.user !== '' ? ` from='${escapeXml(`${account.user}@${account.domain}`)}'` : '';
    effects.send(
      `<?xml version='1.0'?><stream:stream${from} to='${to}' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='${STREAM_NS}'>`,
    );
  }

  function features(element: Element): void {
    if (element.attrs.xmlns !== STREAM_NS || element.name !== 'features')
      return broken(`<${element.name}> instead of its features`);
    if (!encrypted && account.tls !== 'outside') {
      if (element.getChild('starttls', TLS_NS)) {
        state = 'proceed';
        return effects.send(`<starttls xmlns='${TLS_NS}'/>`);
      }
      if (account.tls === 'starttls')
        throw new Fatal(EXIT.protocol, 'the server offers no STARTTLS, so it gets no password (-I goes without)');
    }
    if (authenticated) return bind(element);
    const list = element.getChild('mechanisms', SASL_NS);
    if (!list) return broken('no SASL mechanisms in its features');
    const offered = list.getChildren('mechanism').map((m) => m.getText().trim());
    const types = element.getChild('sasl-channel-binding', BINDING_TYPES_NS);
    const announced = types ? types.getChildren('channel-binding').map((c) => c.attrs.type ?? '') : null;
    const choice = choose({
      offered,
      announced,
      bindings,
      tls: encrypted,
      plainInClear: account.plainInClear,
      floor: account.floor,
      haveCert: account.haveCert,
    });
    later(async () => {
      const password = choice.mechanism === 'EXTERNAL' ? null : await account.password();
      client = await createClient(
        choice,
        { user: account.user, password },
        { mechanisms: offered, bindings: announced },
      );
      state = 'sasl';
      effects.send(`<auth xmlns='${SASL_NS}' mechanism='${client.name}'>${client.initial}</auth>`);
    });
  }

  /** Does what takes a while; what the server sends meanwhile comes unasked. */
  function later(work: () => Promise<void>): void {
    state = 'computing';
    work().catch((error: unknown) => effects.failed(asFatal(error)));
  }

  function sasl(element: Element): void {
    if (element.attrs.xmlns !== SASL_NS) return broken(`<${element.name}> during authentication`);
    switch (element.name) {
      case 'challenge':
        return later(async () => {
          const response = await client!.step(element.getText());
          state = 'sasl';
          effects.send(
            response === '' ? `<response xmlns='${SASL_NS}'/>` : `<response xmlns='${SASL_NS}'>${response}</response>`,
          );
        });
      case 'success':
        client!.done(element.getText() || null);
        authenticated = true;
        effects.authenticated(client!.name);
        effects.restart();
        return open();
      case 'failure': {
        const condition = element.getChildElements().find((e) => e.name !== 'text');
        throw failure(condition?.name ?? 'unknown', element.getChildText('text'));
      }
      default:
        return broken(`<${element.name}> during authentication`);
    }
  }

  function bind(element: Element): void {
    if (!element.getChild('bind', BIND_NS)) return broken('no resource binding in its features');
    state = 'bind';
    const request = new Element('iq', { type: 'set', id: BIND_ID });
    request.c('bind', { xmlns: BIND_NS }).c('resource').t(account.resource);
    let text = canonical(request);
    // Old servers want it (RFC 3921 section 3); the answer does not matter, so nobody waits for it.
    if (element.getChild('session', SESSION_NS))
      text += `<iq type='set' id='sj:session'><session xmlns='${SESSION_NS}'/></iq>`;
    effects.send(text);
  }

  function bound(element: Element): void {
    if (element.name !== 'iq' || element.attrs.xmlns !== undefined || element.attrs.id !== BIND_ID)
      return broken(`<${element.name}> instead of a bound resource`);
    if (element.attrs.type === 'error') {
      const error = element.getChild('error');
      const condition = error?.getChildElements().find((e) => e.name !== 'text')?.name ?? 'undefined-condition';
      throw new Fatal(
        error?.attrs.type === 'wait' || condition === 'resource-constraint' ? EXIT.temporary : EXIT.refused,
        `the server binds no resource for us: ${condition}`,
      );
    }
    const jid = tryJid(element.getChild('bind', BIND_NS)?.getChildText('jid') ?? '');
    if (element.attrs.type !== 'result' || jid === null || jid.resource === '')
      return broken('a bound resource without a full JID');
    state = 'online';
    effects.online(full(jid));
  }

  return {
    start(b) {
      bindings = b;
      open();
    },
    secured(b) {
      encrypted = true;
      bindings = b;
      effects.restart();
      open();
    },
    header(element) {
      if (state !== 'header') broken('a second stream header');
      if (element.name !== 'stream' || element.attrs.xmlns !== STREAM_NS) {
        throw new Fatal(EXIT.protocol, 'this is no XMPP server: its stream is in another namespace');
      }
      if (!/^[1-9]\d*\.\d+$/.test(element.attrs.version ?? '')) broken('an XMPP version before 1.0');
      state = 'features';
    },
    element(element, behind) {
      if (element.name === 'error' && element.attrs.xmlns === STREAM_NS) throw streamFault(element);
      try {
        switch (state) {
          case 'features':
            return features(element);
          case 'proceed':
            if (element.attrs.xmlns !== TLS_NS) return broken(`<${element.name}> instead of TLS`);
            if (element.name !== 'proceed') throw new Fatal(EXIT.temporary, 'the server cannot do TLS now');
            // Somebody in between could have put them there, to be read as if TLS had protected them.
            if (behind > 0) return broken('bytes between <proceed/> and TLS');
            return effects.startTls();
          case 'sasl':
            return sasl(element);
          case 'bind':
            return bound(element);
          default:
            return broken(`<${element.name}> that was not asked for`);
        }
      } catch (error) {
        throw asFatal(error);
      }
    },
  };
}

function asFatal(error: unknown): Error {
  if (error instanceof SaslError) return new Fatal(error.exit, error.message);
  return error instanceof Error ? error : new Error(String(error));
}
