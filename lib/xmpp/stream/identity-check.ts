/** Whether a certificate is one of an XMPP domain (RFC 6120 section 13.7.1.2, RFC 6125). */
import tls from 'node:tls';
import { domainToASCII } from 'node:url';

/** What is asked of a certificate; the shape of node:tls. */
export type Certificate = Pick<tls.PeerCertificate, 'subjectaltname'>;

/** An SRV-ID (RFC 4985) names the service in front of the domain. */
const SERVICES = ['_xmpp-client.', '_xmpps-client.'];

/**
 * The names of a certificate as Node writes them: `DNS:a.example, othername:SRVName:_xmpp-client.a.example`. A value with
 * a comma or a quotation mark in it stands in quotes as JSON, so that it cannot pass for several names (CVE-2021-44532).
 */
export function alternativeNames(text: string): { kind: string; value: string }[] {
  const names: { kind: string; value: string }[] = [];
  for (const [, kind = '', quoted, plain = ''] of text.matchAll(
    /(?:^|, )(othername:[ ]?\w+|[\w ]+):(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?=, |$)/gy,
  )) {
    const value = quoted === undefined ? plain : unquoted(quoted);
    names.push({ kind: kind.replace(': ', ':'), value });
  }
  return names;
}

function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}

/**
 * Judges the names of a certificate: a DNS-ID or an IP address as Node compares them, an SRV-ID of a client service, or
 * an XmppAddr that is the domain itself. The common name counts for nothing, since it is not made to be a host name.
 * @param domain in ASCII
 * @returns what is wrong, undefined if nothing is
 */
export function checkIdentity(domain: string, certificate: tls.PeerCertificate): Error | undefined {
  const names = alternativeNames(certificate.subjectaltname ?? '');
  const wanted = domain.toLowerCase();
  for (const { kind, value } of names) {
    const name = value.toLowerCase().replace(/\.$/, '');
    if (kind === 'othername:SRVName' && SERVICES.some((service) => name === service + wanted)) return undefined;
    if (kind === 'othername:XmppAddr' && domainToASCII(name) === wanted) return undefined;
  }
  // Without a subject there is no common name to fall back to.
  const nameless = { ...certificate, subject: {} } as tls.PeerCertificate;
  return tls.checkServerIdentity(domain, nameless);
}
