/**
 * What becomes of a stanza of the server that is not handed on, because it is beyond a limit: it counts as any other, it
 * is told whose it was, and who waits for an answer gets one.
 */

import { Element } from 'ltx';
import { printable } from '../../sys/printable.ts';
import { canonical } from '../../xml/write.ts';
import { addStanzaError } from '../codec/stanza-error.ts';
import { bareOf } from '../jid/jid.ts';

type Attributes = Readonly<Record<string, string | undefined>>;

const STANZAS: ReadonlySet<string> = new Set(['message', 'presence', 'iq']);
const MOST_SHOWN = 200;

/** For people: what it was, and why it is not there; whose it was, as the events name it; and the exact sender. */
export function reportOf(name: string, { from }: Attributes, why: string): { what: string; id: string; from: string } {
  const kind = STANZAS.has(name) ? name : 'stanza';
  const article = kind === 'iq' ? 'an' : 'a';
  const shown = from === undefined ? '' : printable(from.slice(0, MOST_SHOWN));
  return {
    what: `skipped ${article} ${kind}: ${why}`,
    id: from === undefined ? '' : (bareOf(from) ?? shown),
    from: shown,
  };
}

/**
 * The answer to a request that was skipped; null if it needs none. It is the one that a server gives where nobody is
 * online: any other would tell a stranger that somebody is.
 */
export function refusal(name: string, { type, id, from }: Attributes): string | null {
  if (name !== 'iq' || (type !== 'get' && type !== 'set') || !id) return null;
  const answer = new Element('iq', { type: 'error', id, ...(from !== undefined && { to: from }) });
  return canonical(addStanzaError(answer, 'cancel', 'service-unavailable'));
}

/** What is handed on in the place of an answer that was skipped. */
export function standIn({ id, from }: Attributes, why: string): string {
  const answer = new Element('iq', { type: 'error', ...(id && { id }), ...(from && { from }) });
  return canonical(addStanzaError(answer, 'cancel', 'policy-violation', why));
}
