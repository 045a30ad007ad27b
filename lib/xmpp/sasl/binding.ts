/**
 * Channel bindings: what ties the authentication to this very TLS connection, so that nobody can sit in between.
 * Of the registered types tls-exporter (RFC 9266) and tls-server-end-point (RFC 5929); tls-unique is gone with TLS 1.3.
 */

import { createHash } from 'node:crypto';
import { children, element, malformed, oid } from './der.ts';

/** What we can bind with, best first: the type and its data. */
export type Bindings = ReadonlyMap<string, Uint8Array>;

const sha2 = ['sha256', 'sha384', 'sha512', 'sha224', 'sha512-224', 'sha512-256'];
const sha3 = ['sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'];

const numbered = (arc: string, from: number, names: readonly string[]): [string, string][] =>
  names.map((name, i) => [`${arc}.${from + i}`, name]);

/** RFC 5929 section 4.1: where the certificate was signed over MD5 or SHA-1, SHA-256 takes their place. */
const OLD = 'sha256';

/** Hash functions by their own number (they stand in the parameters of RSASSA-PSS). */
const hashes = new Map([
  ['1.2.840.113549.2.5', OLD],
  ['1.3.14.3.2.26', OLD],
  ...numbered('2.16.840.1.101.3.4.2', 1, [...sha2, ...sha3]),
]);

/** The one hash function of a signature algorithm. Ed25519, Ed448 and the post-quantum ones have none that counts. */
const signatures = new Map([
  ['1.2.840.113549.1.1.4', OLD],
  ['1.2.840.113549.1.1.5', OLD],
  ['1.3.14.3.2.29', OLD],
  ...numbered('1.2.840.113549.1.1', 11, ['sha256', 'sha384', 'sha512', 'sha224', 'sha512-224', 'sha512-256']),
  ['1.2.840.10045.4.1', OLD],
  ...numbered('1.2.840.10045.4.3', 1, ['sha224', 'sha256', 'sha384', 'sha512']),
  ['1.2.840.10040.4.3', OLD],
  ...numbered('2.16.840.1.101.3.4.3', 1, ['sha224', 'sha256', 'sha384', 'sha512', ...sha3, ...sha3, ...sha3]),
]);

const RSASSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

/** The hash of RSASSA-PSS-params (RFC 4055 section 3.1), or null where its two hash functions differ. */
function pssHash(der: Uint8Array, at: number, end: number): string | null {
  let main: string | undefined = OLD;
  let mask: string | undefined = OLD;
  if (at < end) {
    const params = element(der, at, end, 0x30);
    for (const field of children(der, params)) {
      if (field.tag !== 0xa0 && field.tag !== 0xa1) continue;
      const algorithm = element(der, field.start, field.end, 0x30);
      const name = element(der, algorithm.start, algorithm.end, 0x06);
      if (field.tag === 0xa0) main = hashes.get(oid(der, name));
      else if (oid(der, name) !== MGF1) mask = undefined;
      else {
        const inner = element(der, name.end, algorithm.end, 0x30);
        mask = hashes.get(oid(der, element(der, inner.start, inner.end, 0x06)));
      }
    }
  }
  return main !== undefined && main === mask ? main : null;
}

/** Which hash tls-server-end-point takes for this certificate, or null where RFC 5929 does not define one. */
function certificateHash(der: Uint8Array): string | null {
  const certificate = element(der, 0, der.length, 0x30);
  if (certificate.end !== der.length) throw malformed();
  const [body, algorithm] = children(der, certificate);
  if (body?.tag !== 0x30 || algorithm?.tag !== 0x30) throw malformed();
  const name = element(der, algorithm.start, algorithm.end, 0x06);
  const number = oid(der, name);
  return number === RSASSA_PSS ? pssHash(der, name.end, algorithm.end) : (signatures.get(number) ?? null);
}

/**
 * The data of tls-server-end-point: the hash of the server's certificate.
 * @param der the certificate as it came over TLS
 * @returns null where its signature has no single hash function (Ed25519): the type is not defined then
 * @throws SaslError bad-certificate
 */
export function serverEndPoint(der: Uint8Array): Uint8Array | null {
  const name = certificateHash(der);
  return name === null ? null : createHash(name).update(der).digest();
}

/**
 * What a TLS connection of ours can be bound with. Under TLS 1.2 tls-exporter needs the extended master secret
 * (RFC 9266 section 4.2), and Node does not tell whether it was negotiated: there only the certificate counts.
 * @param tls protocol as `getProtocol()` says it; exporter: 32 bytes for label `EXPORTER-Channel-Binding` with an empty
 *   context; certificate: the server's, in DER
 * @throws SaslError bad-certificate
 */
export function channelBindings(tls: {
  protocol: string | null;
  exporter: Uint8Array | null;
  certificate: Uint8Array | null;
}): Bindings {
  const bindings = new Map<string, Uint8Array>();
  if (tls.protocol === 'TLSv1.3' && tls.exporter !== null) bindings.set('tls-exporter', tls.exporter);
  const endPoint = tls.certificate === null ? null : serverEndPoint(tls.certificate);
  if (endPoint !== null) bindings.set('tls-server-end-point', endPoint);
  return bindings;
}
