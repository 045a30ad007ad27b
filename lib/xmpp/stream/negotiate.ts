/**
 * From an open connection to a session: stream header, STARTTLS, SASL, resource binding (RFC 6120 sections 4 to 7), or
 * the resumption of a session that broke off (XEP-0198 section 5).
 * A state machine without sockets: it is told what arrives and says what to do through `Effects`. In each state only
 * what belongs there is accepted, in its own namespace; anything else ends the session.
 */

import { Element } from 'ltx';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { canonical, escapeXml } from '../../xml/write.ts';
import { full, tryJid } from '../jid/jid.ts';
import { BIND_NS, SESSION_NS, SM_NS, STREAM_NS, TLS_NS } from '../ns.ts';
import type { Bindings } from '../sasl/binding.ts';
import { announced, NOTHING_ANNOUNCED } from './announced.ts';
import { Breach, streamFault } from './faults.ts';
import { asFatal, broken, createLogin } from './login.ts';
import type { Account, Session } from './session-model.ts';

/** Ids of our own requests hold a colon, so they can't be those of a local program. */
const BIND_ID = 'sj:bind';

export type Effects = {
  send(text: string): void;
  /** Begins TLS on the connection; afterwards call `secured`. */
  startTls(): void;
  /** What arrives from now on is a new stream. */
  restart(): void;
  /** The server has let us in, by this mechanism. */
  authenticated(mechanism: string): void;
  /** The session is about to be resumed. */
  resuming(): void;
  /** What the server has answered to that makes no sense: the next login begins a new session. */
  unresumable(): void;
  /** A stanza that has come after the resource was bound and before the session was there. */
  early(stanza: Element): void;
  /** The session is there. */
  online(session: Session): void;
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

type State = 'header' | 'features' | 'proceed' | 'sasl' | 'resume' | 'bind' | 'enable' | 'online';

/** @throws Fatal from `header` and `element`: what ends the session, and its exit code */
export function negotiate(account: Account, effects: Effects): Negotiation {
  let state: State = 'header';
  let bindings: Bindings | null = null;
  let encrypted = account.tls === 'ours' || account.tls === 'outside';
  let authenticated = false;
  let manages = false;
  let featuresThen: Element | null = null;
  let limits = NOTHING_ANNOUNCED;
  let jid = '';
  let arrivedBefore: number | null = null;
  let leftToServer = false;
  let wantsSession = false;

  const login = createLogin(account, {
    send: effects.send,
    failed: (error) => effects.failed(unproved(asFatal(error))),
    done(mechanism) {
      authenticated = true;
      effects.authenticated(mechanism);
      effects.restart();
      open();
    },
  });

  /** Anybody can say anything without TLS: to an account that has been online before, such an end is temporary. */
  function unproved(error: Error): Error {
    const final = error instanceof Fatal && (error.code === EXIT.refused || error.code === EXIT.usage);
    if (!final || !account.known || encrypted) return error;
    return new Fatal(EXIT.temporary, `${error.message} (said without TLS, so it may not be true)`);
  }

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
    if (!encrypted && !authenticated) {
      if (element.getChild('starttls', TLS_NS)) {
        state = 'proceed';
        return effects.send(`<starttls xmlns='${TLS_NS}'/>`);
      }
      if (account.tls === 'starttls')
        throw new Fatal(EXIT.protocol, 'the server offers no STARTTLS, so it gets no password (-I goes without)');
    }
    if (authenticated) {
      manages = element.getChild('sm', SM_NS) !== undefined;
      featuresThen = element;
      limits = announced(element);
      return manages && account.resume !== null ? resume(account.resume) : bind(element);
    }
    state = 'sasl';
    login.begin(element, { encrypted, bindings });
  }

  function resume({ id, h }: NonNullable<Account['resume']>): void {
    state = 'resume';
    effects.resuming();
    effects.send(`<resume xmlns='${SM_NS}' previd='${escapeXml(id)}' h='${h}'/>`);
  }

  function resumption(element: Element): void {
    if (element.attrs.xmlns !== SM_NS) {
      effects.unresumable();
      broken(`<${element.name}> instead of the session to resume`);
    }
    const { id, jid } = account.resume!;
    const h = counter(element.attrs.h);
    if (element.name === 'failed') {
      arrivedBefore = h;
      return bind(featuresThen!);
    }
    if (element.name !== 'resumed' || element.attrs.previd !== id || h === null) {
      effects.unresumable();
      return broken('another session than the one to resume');
    }
    state = 'online';
    effects.online({ jid, managed: { resumed: true, h, id, location: null }, arrivedBefore: null, limits });
  }

  function enabled(element: Element): void {
    if (element.attrs.xmlns !== SM_NS) return broken(`<${element.name}> instead of stream management`);
    const { id, resume = '', location } = element.attrs;
    state = 'online';
    const resumable = /^(true|1)$/.test(resume) && id !== undefined && id !== '';
    const managed = { resumed: false, h: 0, id: resumable ? id : null, location: location ?? null };
    if (element.name !== 'enabled' && element.name !== 'failed')
      return broken(`<${element.name}> of stream management`);
    effects.online({ jid, managed: element.name === 'enabled' ? managed : null, arrivedBefore, limits });
  }

  function bind(element: Element): void {
    if (!element.getChild('bind', BIND_NS)) return broken('no resource binding in its features');
    state = 'bind';
    wantsSession = element.getChild('session', SESSION_NS) !== undefined;
    effects.send(bindRequest(account.resource));
  }

  /**
   * The server refuses the resource. The account may still bind another one, which is left to the server (RFC 6120
   * section 7.7.2.2): an old session of ours may hold the name, dead and not noticed yet.
   */
  function notBound(error: Element | undefined): void {
    const condition = error?.getChildElements().find((e) => e.name !== 'text')?.name ?? 'undefined-condition';
    const full = error?.attrs.type === 'wait' || condition === 'resource-constraint';
    if (!full && !leftToServer && account.resource !== '') {
      leftToServer = true;
      return effects.send(bindRequest(''));
    }
    throw new Fatal(
      !full && condition === 'not-allowed' ? EXIT.refused : EXIT.temporary,
      `the server binds no resource for us: ${condition}`,
    );
  }

  function bound(element: Element): void {
    if (element.name !== 'iq' || element.attrs.xmlns !== undefined || element.attrs.id !== BIND_ID)
      return broken(`<${element.name}> instead of a bound resource`);
    if (element.attrs.type === 'error') return notBound(element.getChild('error'));
    const given = tryJid(element.getChild('bind', BIND_NS)?.getChildText('jid') ?? '');
    if (element.attrs.type !== 'result' || given === null || given.resource === '')
      return broken('a bound resource without a full JID');
    jid = full(given);
    // Old servers want it (RFC 3921 section 3); the answer does not matter, so nobody waits for it.
    if (wantsSession) effects.send(`<iq type='set' id='sj:session'><session xmlns='${SESSION_NS}'/></iq>`);
    if (manages) {
      state = 'enable';
      return effects.send(`<enable xmlns='${SM_NS}' resume='true'/>`);
    }
    state = 'online';
    effects.online({ jid, managed: null, arrivedBefore, limits });
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
        throw new Breach('invalid-namespace', 'this is no XMPP server: its stream is in another namespace');
      }
      if (!/^0*[1-9]\d*\.\d+$/.test(element.attrs.version ?? ''))
        throw new Breach('unsupported-version', 'the server broke the protocol: an XMPP version before 1.0');
      state = 'features';
    },
    element(element, behind) {
      if (element.name === 'error' && element.attrs.xmlns === STREAM_NS) throw unproved(streamFault(element));
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
            return login.element(element);
          case 'resume':
            return resumption(element);
          case 'bind':
            return bound(element);
          case 'enable':
            return isStanza(element) ? effects.early(element) : enabled(element);
          default:
            return broken(`<${element.name}> that was not asked for`);
        }
      } catch (error) {
        throw unproved(asFatal(error));
      }
    },
  };
}

/** The request to bind a resource, or any where the name is empty (RFC 6120 section 7). */
function bindRequest(resource: string): string {
  const request = new Element('iq', { type: 'set', id: BIND_ID });
  const bind = request.c('bind', { xmlns: BIND_NS });
  if (resource !== '') bind.c('resource').t(resource);
  return canonical(request);
}

const isStanza = (element: Element): boolean =>
  element.attrs.xmlns === undefined && ['iq', 'message', 'presence'].includes(element.name);

/** A counter of stream management, null if it is none. */
export function counter(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return null;
  const h = Number(text);
  return h < 2 ** 32 ? h : null;
}
