/**
 * What local programs are told when a session could not be resumed: who waits for the answer to an iq gets an error, and
 * so does a message that is not sent again, as if the server had answered them (RFC 6120 section 8.3).
 */

import { Element } from 'ltx';
import { parseElement } from '../../xml/tree.ts';
import { addStanzaError } from '../codec/stanza-error.ts';

/** @param to whom the request was sent to */
export const noAnswer = (id: string, to: string): Element =>
  failed(new Element('iq', { type: 'error', id, ...(to !== '' && { from: to }) }), '');

/** @param stanza the message as it was sent */
export function notSent(stanza: Uint8Array): Element {
  const sent = parseElement(Buffer.from(stanza));
  const { to, id } = sent.attrs;
  const message = new Element('message', { type: 'error', ...(to && { from: to }), ...(id && { id }) });
  for (const child of sent.getChildElements()) message.cnode(child);
  return failed(message, 'the connection was lost, and it is too late, or too long, to send it again');
}

const failed = (stanza: Element, text: string): Element =>
  addStanzaError(stanza, 'wait', 'remote-server-timeout', text);
