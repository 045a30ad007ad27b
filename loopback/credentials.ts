/** What a TLS connection says about its two ends, for SASL. */
import { createHash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** The data of a channel binding: RFC 5929, section 4, and RFC 9266. `certificate` is the server's, as DER. */
export function channelBinding(type: string, tls: TLSSocket | undefined, certificate: Buffer): Buffer | undefined {
  if (tls === undefined) return undefined;
  if (type === 'tls-exporter') return tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  if (type === 'tls-unique' && tls.getProtocol() === 'TLSv1.2') return tls.getPeerFinished();
  // Right for certificates signed with SHA-256, as ours are.
  return type === 'tls-server-end-point' ? createHash('sha256').update(certificate).digest() : undefined;
}

/** The JIDs in a client certificate that our CA has signed. */
export function certified(tls: TLSSocket | undefined, authority: X509Certificate): string[] {
  const raw = tls?.getPeerCertificate().raw;
  const peer = raw === undefined ? undefined : new X509Certificate(raw);
  if (peer === undefined || !peer.verify(authority.publicKey) || Date.parse(peer.validTo) < Date.now()) return [];
  return (peer.subjectAltName ?? '').split(', ').flatMap((name) => /^othername:XmppAddr:(.+)$/.exec(name)?.[1] ?? []);
}
