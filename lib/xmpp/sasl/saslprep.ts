/**
 * SASLprep (RFC 4013): the one form of a user name or password that both sides hash. Code points that Unicode 3.2 did
 * not know are let through as RFC 3454 section 7 has it for queries, or no emoji could be in a password.
 */

/**
 * Prepares a text. Printable ASCII is its own form; the tables for the rest are loaded only when they are needed.
 * @returns null for what SASLprep forbids (controls, mixed direction, ...) and for what it leaves nothing of
 */
export async function saslprep(text: string): Promise<string | null> {
  if (text === '') return null;
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  if (/[\x00-\x1f\x7f]/.test(text)) return null;
  const { saslprep: prepare } = await import('@mongodb-js/saslprep');
  try {
    return prepare(text, { allowUnassigned: true }) || null;
  } catch {
    return null;
  }
}
