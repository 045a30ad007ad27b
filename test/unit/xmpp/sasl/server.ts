/**
 * A SCRAM server for the tests, written from RFC 5802 section 3 alone: it keeps StoredKey and ServerKey, never the
 * password, and recovers the client's key from the proof. It shares no code with the client.
 */

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export function scramServer(digest: 'sha1' | 'sha256' | 'sha512', password: string, iterations = 4096, extension = '') {
  const salt = Buffer.from('0123456789abcdef');
  const size = createHash(digest).digest().length;
  const salted = pbkdf2Sync(password, salt, iterations, size, digest);
  const hmac = (key: Uint8Array, data: string) => createHmac(digest, key).update(data).digest();
  const storedKey = createHash(digest).update(hmac(salted, 'Client Key')).digest();
  const serverKey = hmac(salted, 'Server Key');
  let bare = '';
  let first = '';
  return {
    /** Takes client-first, gives server-first. */
    first(message: string, nonce = 'server-nonce'): string {
      bare = message.split(',').slice(2).join(',');
      first = `${bare.slice(bare.indexOf(',r=') + 1)}${nonce},s=${salt.toString('base64')},i=${iterations}${extension}`;
      return first;
    },
    /** Takes client-final; gives server-final, or null if the proof is wrong. */
    final(message: string): string | null {
      const at = message.lastIndexOf(',p=');
      const auth = `${bare},${first},${message.slice(0, at)}`;
      const proof = Buffer.from(message.slice(at + 3), 'base64');
      const signature = hmac(storedKey, auth);
      const clientKey = Buffer.from(proof.map((byte, i) => byte ^ signature[i]!));
      if (!createHash(digest).update(clientKey).digest().equals(storedKey)) return null;
      return `v=${hmac(serverKey, auth).toString('base64')}`;
    },
  };
}
