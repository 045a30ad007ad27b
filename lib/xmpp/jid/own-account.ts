import { bareOf } from './jid.ts';

/**
 * Whether a roster push may be believed: it comes from the server on behalf of the own account, which is to say from
 * nobody, or from the own bare JID (RFC 6121 section 2.1.6). Anybody else could change the contacts by it.
 * @param own the own JID, or undefined if it is not known: then only pushes from nobody are taken
 */
export function fromOwnAccount(from: string | undefined, own: string | undefined): boolean {
  if (from === undefined) return true;
  if (own === undefined || from.includes('/')) return false;
  const bare = bareOf(from);
  return bare !== null && bare === bareOf(own);
}
