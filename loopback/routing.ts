/** What a bound client sends, by kind: RFC 6120, section 8. */
import { plus } from './counts.ts';
import { addressed, type Hub, type Session } from './hub.ts';
import { handleIq } from './iq.ts';
import { parseJid } from './jid.ts';
import { manage } from './management.ts';
import { handleMessage } from './message.ts';
import { handlePresence } from './presence.ts';
import { StreamError } from './reader.ts';
import { type Element, NS } from './xml.ts';

/**
 * Takes a top-level element of a bound client.
 * @throws StreamError where it is no stanza or claims to be from somebody else
 */
export function handleStanza(hub: Hub, session: Session, e: Element) {
  if (e.ns === NS.sm && hub.faults.sm?.none !== true) return manage(hub, session, e);
  if (e.ns !== NS.client) throw new StreamError('unsupported-stanza-type');
  const { from, to } = e.attrs;
  const claimed = from === undefined ? session.jid : parseJid(from);
  if (claimed?.full !== session.jid.full && claimed?.full !== session.jid.bare) throw new StreamError('invalid-from');
  const stamped = addressed(e, session.jid.full, to ?? '');
  if (to === undefined) delete stamped.attrs.to;
  if (session.managed !== undefined) session.managed.received = plus(session.managed.received, 1);
  hub.journal.add(session.jid.full, stamped);
  switch (e.name) {
    case 'message':
      return handleMessage(hub, session, stamped);
    case 'presence':
      return handlePresence(hub, session, stamped);
    case 'iq':
      return handleIq(hub, session, stamped);
    default:
      throw new StreamError('unsupported-stanza-type');
  }
}
