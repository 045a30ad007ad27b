/**
 * The message of EXTERNAL (RFC 4422 appendix A): no authorization identity, so the server takes the account that the
 * client certificate names (XEP-0178). On the wire the empty message is `=`.
 */
export function externalMessage(): string {
  return '';
}
