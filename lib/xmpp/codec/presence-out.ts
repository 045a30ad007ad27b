/** Presence stanzas to send (RFC 6121 section 4). */
import { Element } from 'ltx';
import type { Own } from '../../tree/mypresence.ts';
import { canonical } from '../../xml/write.ts';

export type PresenceFields = {
  readonly to?: string | undefined;
  readonly type?: string | undefined;
  readonly show?: string | undefined;
  readonly status?: string | undefined;
  readonly priority?: number | undefined;
};

/** A presence stanza to send (RFC 6121 section 4.7). What is undefined or empty is left out. */
export function presenceStanza({ to, type, show, status, priority }: PresenceFields): Element {
  const stanza = new Element('presence', { to, type });
  if (show) stanza.c('show').t(show);
  if (status) stanza.c('status').t(status);
  if (priority !== undefined) stanza.c('priority').t(String(priority));
  return stanza;
}

/** Own presence as a stanza, for everybody or for one JID. `online` is what a stanza without a show means. */
export function ownStanza({ show, status }: Own, to?: string): Element {
  if (show === 'offline') return presenceStanza({ to, type: 'unavailable', status });
  return presenceStanza({ to, show: show === 'online' ? undefined : show, status });
}

/** The same as one line of text. */
export const encodePresence = (own: Own, to?: string): string => canonical(ownStanza(own, to));
