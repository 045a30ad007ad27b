/**
 * Throw-away certificates: a CA and what it signed, made in memory at each start (ECDSA P-256, a few milliseconds).
 * The DER is written by hand: the little of X.509 (RFC 5280) that is needed is shorter than a library's set-up.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/**
 * `wronghost`: names another host; `expired`: was good last year; `selfsigned`: the CA knows nothing of it; `srvname`:
 * names the service in an SRV-ID alone; `commonname`: names the host in its common name alone; `weakkey`: RSA of 1024
 * bits; `sha1`: signed with SHA-1; `nosign`, `constrained`: by an intermediate CA that must not sign, or not this name.
 */
export type CertKind =
  | 'good'
  | 'wronghost'
  | 'expired'
  | 'selfsigned'
  | 'srvname'
  | 'commonname'
  | 'weakkey'
  | 'sha1'
  | 'nosign'
  | 'constrained';

/** All PEM. */
export type Pair = { key: string; cert: string };

export type Authority = {
  /** The CA's own certificate, PEM: what a client shall trust. */
  ca: string;
  /** A server's certificate for these host names. */
  server(hosts: readonly string[], kind?: CertKind): Pair;
  /** A client's certificate for SASL EXTERNAL: the JID is an XmppAddr (RFC 6120, 13.7.1.4). */
  client(jid: string): Pair;
};

export function createAuthority(): Authority {
  const keys = ecKeys();
  const name = distinguishedName('loopback CA');
  const issuer = { name, keys };
  const ca = certificate({ issuer, subject: name, key: keys.publicKey, days: [-1, 30], ca: true, names: [] });
  const leaf = (subject: string, names: Buffer[], days: [number, number], kind: CertKind = 'good'): Pair => {
    const own = kind === 'weakkey' ? generateKeyPairSync('rsa', { modulusLength: 1024 }) : ecKeys();
    const subjectName = distinguishedName(subject);
    const middle = kind === 'nosign' || kind === 'constrained' ? intermediate(kind) : null;
    const by = kind === 'selfsigned' ? { name: subjectName, keys: own } : (middle?.issuer ?? issuer);
    const hash = kind === 'sha1' ? 'sha1' : 'sha256';
    return {
      key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cert:
        certificate({ issuer: by, subject: subjectName, key: own.publicKey, days, ca: false, names, hash }) +
        (middle?.cert ?? ''),
    };
  };
  const intermediate = (kind: 'nosign' | 'constrained') => {
    const own = { name: distinguishedName('loopback intermediate CA'), keys: ecKeys() };
    const cert = certificate({
      issuer,
      subject: own.name,
      key: own.keys.publicKey,
      days: [-1, 30],
      ca: true,
      names: [],
      signs: kind !== 'nosign',
      only: kind === 'constrained' ? 'elsewhere.invalid' : undefined,
    });
    return { issuer: own, cert };
  };
  return {
    ca,
    server(hosts, kind = 'good') {
      const named = kind === 'wronghost' ? ['wronghost.invalid'] : hosts;
      const days: [number, number] = kind === 'expired' ? [-365, -2] : [-1, 30];
      const names = kind === 'commonname' ? [] : named.map(kind === 'srvname' ? srvName : dnsName);
      return leaf(named[0] ?? 'localhost', names, days, kind);
    },
    client: (jid) => leaf(jid, [xmppAddr(jid)], [-1, 30]),
  };
}

type Keys = { publicKey: KeyObject; privateKey: KeyObject };
const ecKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'P-256' });

type Request = {
  issuer: { name: Buffer; keys: Keys };
  subject: Buffer;
  key: KeyObject;
  /** Valid from and to, in days from now. */
  days: [number, number];
  ca: boolean;
  /** GeneralNames of the subject. */
  names: Buffer[];
  /** Of the signature; SHA-256 by default. */
  hash?: 'sha1' | 'sha256';
  /** Whether a CA may sign certificates; true by default. */
  signs?: boolean;
  /** The only domain that a CA may sign for (RFC 5280, 4.2.1.10). */
  only?: string | undefined;
};

/** Signs a certificate (RFC 5280, 4.1) and returns it as PEM. */
function certificate(request: Request): string {
  const { issuer, subject, key, days, ca, names, hash = 'sha256', signs = true, only } = request;
  const algorithm = sequence(oid(hash === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'));
  const day = (n: number) => time(new Date(Date.now() + n * 86_400_000));
  const extensions = [
    extension('2.5.29.19', ca ? sequence(tlv(0x01, Buffer.of(0xff))) : sequence(), true),
    // keyCertSign and cRLSign, or digitalSignature
    extension('2.5.29.15', tlv(0x03, ca && signs ? Buffer.of(1, 0x06) : Buffer.of(7, 0x80)), true),
    extension('2.5.29.14', tlv(0x04, keyId(key))),
    extension('2.5.29.35', sequence(tlv(0x80, keyId(issuer.keys.publicKey)))),
  ];
  if (!ca) extensions.push(extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))));
  if (only !== undefined) extensions.push(extension('2.5.29.30', sequence(tlv(0xa0, sequence(dnsName(only)))), true));
  if (names.length > 0) extensions.push(extension('2.5.29.17', sequence(...names)));
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    issuer.name,
    sequence(day(days[0]), day(days[1])),
    subject,
    key.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const der = sequence(body, algorithm, bits(sign(hash, body, issuer.keys.privateKey)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const n = value.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), value]);
}

const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);
const bits = (value: Uint8Array) => tlv(0x03, Buffer.of(0), value);

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const septets = (n: number): number[] => (n < 0x80 ? [n] : [...septets(n >> 7).map((b) => b | 0x80), n & 0x7f]);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(septets)]));
}

/** GeneralizedTime is for years from 2050 on only. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits));
}

const distinguishedName = (common: string) =>
  sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(common)))));

const extension = (id: string, value: Buffer, critical = false) =>
  sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.of(0xff))] : []), tlv(0x04, value));

const keyId = (key: KeyObject) =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();

const dnsName = (host: string) => tlv(0x82, Buffer.from(host));
const srvName = (host: string) =>
  tlv(0xa0, oid('1.3.6.1.5.5.7.8.7'), tlv(0xa0, tlv(0x16, Buffer.from(`_xmpp-client.${host}`))));
const xmppAddr = (jid: string) => tlv(0xa0, oid('1.3.6.1.5.5.7.8.5'), tlv(0xa0, tlv(0x0c, Buffer.from(jid))));
