/** Base64 as SASL uses it, read strictly: nothing is skipped, nothing is guessed (RFC 4648 sections 3 and 4). */

import { EXIT } from '../../cli/exit.ts';
import { SaslError } from './error.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a base64 text, or null: no white space, right padding, no stray bits in the last character. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  // Node skips what it does not know, so the only honest check is the way back.
  return bytes.toString('base64') === text ? bytes : null;
}

/**
 * What an element of the SASL exchange carries: `=` and the empty text both mean no data (RFC 6120 section 6.4.2).
 * @throws SaslError incorrect-encoding
 */
export function decodeText(text: string): string {
  if (text === '' || text === '=') return '';
  const bytes = decodeBase64(text);
  try {
    if (bytes !== null) return utf8.decode(bytes);
  } catch {
    // Falls through: the bytes are not UTF-8.
  }
  throw new SaslError('incorrect-encoding', EXIT.protocol, 'the server sent SASL data that is not base64 of UTF-8');
}

/** The base64 of a text in UTF-8. */
export function encodeText(text: string): string {
  return Buffer.from(text).toString('base64');
}
