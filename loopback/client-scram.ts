import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** The client's side of SCRAM (RFC 5802, section 3). */
export function scramClient(
  mechanism: string,
  user: string,
  password: string,
  type: string,
  tls: TLSSocket | undefined,
) {
  const [, digits = '', plus] = /^SCRAM-SHA-(\d+)(-PLUS)?$/.exec(mechanism) ?? [];
  const hash = `sha${digits}`;
  const mac = (key: Buffer, data: string) => createHmac(hash, key).update(data).digest();
  const gs2 = plus === undefined ? 'n,,' : `p=${type},,`;
  const bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${randomBytes(18).toString('base64')}`;
  const bound = (): Buffer => {
    if (plus === undefined || tls === undefined) return Buffer.alloc(0);
    if (type === 'tls-exporter') return tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    return createHash('sha256').update(tls.getPeerCertificate().raw).digest();
  };
  return {
    first: gs2 + bare,
    final(challenge: string): { message: string; expected: string } {
      const [, nonce = '', salt = '', count = ''] = /^r=([^,]*),s=([^,]*),i=(\d+)/.exec(challenge) ?? [];
      const c = Buffer.concat([Buffer.from(gs2), bound()]).toString('base64');
      const length = createHash(hash).digest().length;
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(count), length, hash);
      const clientKey = mac(salted, 'Client Key');
      const message = `${bare},${challenge},c=${c},r=${nonce}`;
      const signature = mac(createHash(hash).update(clientKey).digest(), message);
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
      return {
        message: `c=${c},r=${nonce},p=${proof.toString('base64')}`,
        expected: `v=${mac(mac(salted, 'Server Key'), message).toString('base64')}`,
      };
    },
  };
}
