/** A message as a stanza to send (RFC 6121 section 5.2). */
import type { OutgoingMessage } from '../../chat/model.ts';
import { isXmlText } from '../../xml/chars.ts';
import { escapeXml as xml } from '../../xml/write.ts';

/** A message as one line of text. */
export const encodeMessage = ({ to, id, body, room }: OutgoingMessage): string =>
  `<message to='${xml(to)}' type='${room ? 'groupchat' : 'chat'}' id='${id}'><body>${xml(body)}</body></message>`;

/** Null, or why a text cannot be the body of a message (RFC 6120 section 11.1). */
export const carries = (text: string): string | null =>
  isXmlText(text) ? null : 'it has characters that XMPP cannot carry';
