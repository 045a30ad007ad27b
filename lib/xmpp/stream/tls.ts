/** TLS of our own on the raw connection: who is trusted, which name must be on the certificate, what went wrong. */
import fs from 'node:fs';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { domainToASCII } from 'node:url';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { errno, reason } from '../../sys/errno.ts';
import { type Bindings, channelBindings } from '../sasl/binding.ts';
import { checkIdentity } from './identity-check.ts';

export type TlsConfig = {
  /** The domain of the account: whatever host serves it, this name must be on the certificate (RFC 6120 section 13.7). */
  domain: string;
  /** A file of certificates in PEM that are trusted instead of the system's. */
  caFile: string | undefined;
  /** A certificate and its private key in PEM to show to the server, for SASL EXTERNAL. */
  identity: Buffer | undefined;
  /** XEP-0368: TLS from the first byte, where ALPN tells XMPP from HTTPS on the same port. */
  direct: boolean;
};

/** Where systems keep the certificates that they trust. */
const SYSTEM_TRUST = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
];

/**
 * The trusted certificates: of `-c`, else of SSL_CERT_FILE, else the system's; undefined for those that Node brings.
 * @throws Fatal 100 if a file that was named cannot be read
 */
function trusted(caFile: string | undefined): string | undefined {
  const named = caFile ?? (process.env.SSL_CERT_FILE || undefined);
  if (named !== undefined) {
    try {
      return fs.readFileSync(named, 'latin1');
    } catch (error) {
      throw new Fatal(EXIT.usage, `cannot read the certificates in ${named}: ${reason(error)}`);
    }
  }
  for (const path of SYSTEM_TRUST) {
    try {
      return fs.readFileSync(path, 'latin1');
    } catch {}
  }
  return undefined;
}

/**
 * Does the handshake and checks the certificate.
 * @throws Fatal 76 if the certificate is not good or the other side does not speak TLS, 111 if the connection broke,
 * 100 if our own files are not good
 */
export function secure(raw: Duplex, config: TlsConfig): Promise<tls.TLSSocket> {
  const name = config.domain.startsWith('[') ? config.domain.slice(1, -1) : domainToASCII(config.domain);
  const ca = trusted(config.caFile);
  return new Promise((resolve, reject) => {
    let socket: tls.TLSSocket;
    try {
      socket = tls.connect({
        socket: raw,
        host: name,
        ...(net.isIP(name) === 0 && { servername: name }),
        ...(ca !== undefined && { ca }),
        ...(config.identity && { cert: config.identity, key: config.identity }),
        ...(config.direct && { ALPNProtocols: ['xmpp-client'] }),
        minVersion: 'TLSv1.2',
        // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
        rejectUnauthorized: true,
        checkServerIdentity: (_: string, certificate: tls.PeerCertificate) => checkIdentity(name, certificate),
        // 112 bits: no RSA or DH below 2048, no SHA-1 in signatures.
        ciphers: `${tls.DEFAULT_CIPHERS}:@SECLEVEL=2`,
        allowHalfOpen: true,
      } as tls.ConnectionOptions);
    } catch (error) {
      reject(new Fatal(EXIT.usage, `cannot set up TLS: ${reason(error)}`));
      return;
    }
    const failed = (error: Error) => reject(fault(error, config));
    const lost = () => failed(new Error('the connection ended during the TLS handshake'));
    socket.once('error', failed);
    socket.once('close', lost);
    socket.once('secureConnect', () => {
      socket.removeListener('error', failed);
      socket.removeListener('close', lost);
      resolve(socket);
    });
  });
}

const CERTIFICATE =
  /^(UNSPECIFIED$|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CRL_|ERROR_IN_CERT|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|ERR_TLS_CERT)/;

/** Who is not trusted may be trusted all the same, by who knows it to be right. */
const remedy = (code: string): string =>
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)
    ? '; to trust its issuer, name a PEM file by -c or SSL_CERT_FILE'
    : '';

function fault(error: Error, { domain, direct }: TlsConfig): Fatal {
  const code = errno(error);
  if (CERTIFICATE.test(code))
    return new Fatal(EXIT.protocol, `the certificate of ${domain} is not good: ${reason(error)}${remedy(code)}`);
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) {
    // What is not TLS at all may be a server that waits for STARTTLS.
    const hint =
      direct && /WRONG_VERSION_NUMBER|PACKET_LENGTH|UNEXPECTED_MESSAGE/.test(code)
        ? ' (a port for STARTTLS, such as 5222, takes no -x)'
        : '';
    return new Fatal(
      EXIT.protocol,
      `TLS with ${domain} failed: ${reason(error)
        .replace(/^.*SSL routines:[^:]*:/s, '')
        .trim()}${hint}`,
    );
  }
  return new Fatal(EXIT.temporary, `TLS with ${domain} failed: ${reason(error)}`);
}

/** What SASL can bind itself to on this connection, see `channelBindings`. */
export function bindingsOf(socket: tls.TLSSocket): Bindings {
  const protocol = socket.getProtocol();
  const certificate = socket.getPeerX509Certificate()?.raw ?? null;
  const exporter =
    protocol === 'TLSv1.3' ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) : null;
  return channelBindings({ protocol, exporter, certificate });
}
