/** Resource binding: RFC 6120, section 7. */
import { randomUUID } from 'node:crypto';
import { type Account, bounce, type Connection, type Hub, type Session } from './hub.ts';
import { parseJid } from './jid.ts';
import { deliver } from './management.ts';
import { StreamError } from './reader.ts';
import { child, type Element, el, NS, text } from './xml.ts';

/**
 * Answers the bind request.
 * @returns the session, undefined where the request was refused
 * @throws StreamError for anything but a bind request
 */
export function bind(hub: Hub, account: Account, iq: Element, connection: Connection): Session | undefined {
  const request =
    iq.name === 'iq' && iq.ns === NS.client && iq.attrs.type === 'set' ? child(iq, 'bind', NS.bind) : undefined;
  if (request === undefined) throw new StreamError('not-authorized', 'bind a resource first');
  const refused = hub.faults.bindError;
  const wanted = text(child(request, 'resource')) || randomUUID();
  const jid = parseJid(`${account.bare}/${wanted}`);
  if (refused !== undefined || jid === undefined) {
    connection.write(bounce(iq, refused ?? 'bad-request'));
    return undefined;
  }
  // The newer one wins (7.7.2.2): its owner has a reason to be there.
  account.sessions.get(jid.resource)?.end('conflict', 'replaced by a new connection');
  const session: Session = {
    ...connection,
    jid,
    account,
    managed: undefined,
    presence: undefined,
    priority: 0,
    directed: new Set(),
    interested: false,
    send: (e) => deliver(hub, session, e),
  };
  account.sessions.set(jid.resource, session);
  const bound = el('jid', NS.bind, {}, hub.faults.bindJid ?? jid.full);
  connection.write(el('iq', NS.client, { type: 'result', id: iq.attrs.id }, el('bind', NS.bind, {}, bound)));
  if (hub.faults.afterBind !== undefined) void connection.link.write(hub.faults.afterBind);
  hub.journal.note({ what: 'bound', jid: jid.full });
  return session;
}
