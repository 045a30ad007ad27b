/** Stream management on a stream: XEP-0198 1.6, sections 3 and 4. What happens between two streams is in resumption.ts. */
import { randomUUID } from 'node:crypto';
import { acknowledge, parseCount, plus } from './counts.ts';
import type { Hub, Managed, Session } from './hub.ts';
import { createReader, StreamError } from './reader.ts';
import { type Element, el, NS } from './xml.ts';

/** The answer to `<enable/>` or `<resume/>` that is refused. */
export const failed = (condition: string, attrs: Record<string, string> = {}): Element =>
  el('failed', NS.sm, attrs, el(condition, NS.stanzaError));

/** A client has acknowledged more than it was sent (section 6). */
export function tooHigh(h: number, sent: number): StreamError {
  const details = el('handled-count-too-high', NS.sm, { h: `${h}`, 'send-count': `${sent}` });
  return new StreamError('undefined-condition', `${h} stanzas were acknowledged, ${sent} were sent`, details);
}

/** The number that the client is told, right or wrong. */
export const told = (hub: Hub, h: number): string => `${hub.faults.sm?.count?.(h) ?? h}`;

/**
 * Takes an element of stream management from a bound client.
 * @throws StreamError where it makes no sense
 */
export function manage(hub: Hub, session: Session, e: Element): void {
  const { managed } = session;
  if (e.name === 'enable') return enable(hub, session, e);
  // Too late: a session is there.
  if (e.name === 'resume') return session.write(failed('unexpected-request'));
  if (managed === undefined) throw new StreamError('unsupported-stanza-type', 'stream management is not enabled');
  if (e.name === 'r') {
    if (hub.faults.sm?.neverAcknowledge !== true) session.write(answer(hub, managed));
  } else if (e.name === 'a') {
    const h = parseCount(e.attrs.h);
    if (h === undefined) throw new StreamError('bad-format', 'an acknowledgement without a count');
    if (!acknowledge(managed, h)) throw tooHigh(h, managed.sent);
    managed.asking = 'no';
    askSoon(hub, session, managed);
    hub.journal.changed();
  } else throw new StreamError('unsupported-stanza-type');
}

export const answer = (hub: Hub, managed: Managed): Element => el('a', NS.sm, { h: told(hub, managed.received) });

function enable(hub: Hub, session: Session, e: Element): void {
  const faults = hub.faults.sm ?? {};
  if (session.managed !== undefined) throw new StreamError('policy-violation', 'stream management is enabled already');
  if (faults.enableError !== undefined) return session.write(failed(faults.enableError));
  const resumable = /^(true|1)$/.test(e.attrs.resume ?? '') && faults.noResume !== true;
  const id = resumable ? randomUUID() : undefined;
  const wanted = /^[1-9]\d{0,8}$/.test(e.attrs.max ?? '') ? Number(e.attrs.max) : Number.POSITIVE_INFINITY;
  const max = Math.min(wanted, hub.settings.resumeTimeout);
  const attrs = { id, resume: 'true', max: `${Math.ceil(max)}`, location: faults.location };
  session.write(el('enabled', NS.sm, resumable ? attrs : {}));
  session.managed = {
    received: 0,
    sent: 0,
    waiting: [],
    id,
    max,
    asking: 'no',
    askedAt: undefined,
    timer: undefined,
    injected: undefined,
  };
  if (id !== undefined) {
    hub.resumable.set(id, session);
    hub.journal.note({ what: 'enabled', jid: session.jid.full, id });
  }
}

/** The one way for a stanza to a session: it is counted, and kept until it is acknowledged. */
export function deliver(hub: Hub, session: Session, stanza: Element): void {
  const { managed } = session;
  if (managed === undefined) return session.write(stanza);
  keep(managed, stanza);
  if (managed.timer !== undefined) return hub.journal.changed();
  session.write(stanza);
  askSoon(hub, session, managed);
}

function keep(managed: Managed, stanza: Element): void {
  managed.sent = plus(managed.sent, 1);
  managed.waiting.push({ stanza, sentAt: new Date() });
}

/** Asks for an acknowledgement after what is being done now, once for what was sent by then. */
export function askSoon(hub: Hub, session: Session, managed: Managed): void {
  if (managed.asking !== 'no') return;
  managed.asking = 'soon';
  setImmediate(() => {
    if (managed.asking !== 'soon') return;
    managed.asking = 'no';
    const news = managed.waiting.length > 0 && managed.askedAt !== managed.sent;
    if (!news || managed.timer !== undefined || hub.faults.sm?.neverAsk === true) return;
    managed.asking = 'asked';
    managed.askedAt = managed.sent;
    session.write(el('r', NS.sm));
  });
}

/** Raw bytes go to the client: the stanzas that it will find in them count. What no client can read counts no more. */
export function injected(hub: Hub, session: Session, bytes: Uint8Array): void {
  const { managed } = session;
  if (managed === undefined) return;
  if (managed.injected === undefined) {
    const stanza = (e: Element) => {
      if (e.ns === NS.client && /^(message|presence|iq)$/.test(e.name)) keep(managed, e);
    };
    managed.injected = createReader(Number.POSITIVE_INFINITY, { open() {}, stanza, close() {} });
    managed.injected.write(
      Buffer.from(`<s:stream xmlns:s='${NS.streams}' xmlns:stream='${NS.streams}' xmlns='${NS.client}'>`),
    );
  }
  try {
    managed.injected.write(bytes);
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    managed.injected.stop();
  }
  askSoon(hub, session, managed);
}
