/** The server's side of SCRAM (RFC 5802, RFC 7677) with channel binding (RFC 5929, RFC 9266). Pure but for the nonce. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ScramFaults } from './faults.ts';
import type { Exchange, Step } from './sasl.ts';

export type ScramHash = 'sha1' | 'sha256' | 'sha512';

export type ScramSide = {
  hash: ScramHash;
  /** The mechanism is a -PLUS one. */
  plus: boolean;
  /** The server offers -PLUS on this connection: a client that says it does not (`y`) has been lied to. */
  offersPlus: boolean;
  iterations: number;
  /** The prepared password of an account, and its salt; undefined: no such account. */
  lookup(user: string): { password: string; salt: Buffer } | undefined;
  /** Channel binding data; undefined: this type is not supported here. */
  binding(type: string): Buffer | undefined;
  faults: ScramFaults;
};

export function scram(side: ScramSide): Exchange {
  const digest = (data: Buffer) => createHash(side.hash).update(data).digest();
  const mac = (key: Buffer, data: string) => createHmac(side.hash, key).update(data).digest();
  let nonce = '';
  let gs2 = '';
  let type = '';
  let user = '';
  let exchanged = '';
  let salt: Buffer = Buffer.alloc(0);
  let state: 'first' | 'final' | 'verified' = 'first';

  const first = (message: string): Step => {
    const parts = /^((?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,)((m=[^,]*,)?n=([^,]+),r=([^,]+).*)$/s.exec(message);
    if (parts === null) return failure('malformed-request');
    const [, header = '', flag, binding = '', authzid, bare = '', mandatory, name = '', clientNonce = ''] = parts;
    if (mandatory !== undefined) return failure('malformed-request');
    if (flag === 'y' && side.offersPlus) return failure('not-authorized', 'server does support channel binding');
    if (side.plus !== (binding !== '')) return failure('malformed-request', 'channel binding and mechanism differ');
    if (binding !== '' && side.binding(binding) === undefined) {
      return failure('not-authorized', `unsupported channel binding ${binding}`);
    }
    if (/=(?!2C|3D)/.test(name)) return failure('malformed-request');
    user = name.replaceAll('=2C', ',').replaceAll('=3D', '=');
    if (authzid !== undefined && authzid.split('@')[0] !== user) return failure('invalid-authzid');
    gs2 = header;
    type = binding;
    // An unknown user sees an exchange like any other and fails at its end.
    salt = side.lookup(user)?.salt ?? createHash('sha256').update(`no such user ${user}`).digest().subarray(0, 16);
    nonce = clientNonce + randomBytes(18).toString('base64');
    if (side.faults.nonce === 'short') nonce = clientNonce;
    if (side.faults.nonce === 'foreign') nonce = randomBytes(24).toString('base64');
    let reply = `r=${nonce},s=${salt.toString('base64')},i=${side.iterations}`;
    reply = side.faults.serverFirst?.(reply) ?? reply;
    exchanged = `${bare},${reply}`;
    state = 'final';
    return { kind: 'challenge', data: reply };
  };

  const final = (message: string): Step => {
    const parts = /^((c=([^,]*),r=([^,]+)).*),p=([^,]+)$/s.exec(message);
    if (parts === null) return failure('malformed-request');
    const [, withoutProof = '', , bound = '', repeated, proof = ''] = parts;
    const expected = Buffer.concat([Buffer.from(gs2), (type !== '' && side.binding(type)) || Buffer.alloc(0)]);
    if (repeated !== nonce || bound !== expected.toString('base64')) return failure('not-authorized');
    const account = side.lookup(user);
    const salted = pbkdf2Sync(
      account?.password ?? '',
      salt,
      side.iterations,
      digest(Buffer.alloc(0)).length,
      side.hash,
    );
    const storedKey = digest(mac(salted, 'Client Key'));
    const authMessage = `${exchanged},${withoutProof}`;
    const signature = mac(storedKey, authMessage);
    const given = Buffer.from(proof, 'base64');
    if (account === undefined || given.length !== signature.length) return failure('not-authorized');
    const clientKey = Buffer.from(given.map((byte, i) => byte ^ signature[i]!));
    if (!timingSafeEqual(digest(clientKey), storedKey)) return failure('not-authorized');
    const answer = verifier(mac(mac(salted, 'Server Key'), authMessage));
    if (side.faults.signatureInChallenge !== true) return { kind: 'success', user, data: answer };
    state = 'verified';
    return { kind: 'challenge', data: answer };
  };

  const verifier = (right: Buffer): string => {
    const { signature } = side.faults;
    if (signature === 'none') return '';
    if (signature === 'error') return 'e=other-error';
    if (signature === 'wrong') right[0]! ^= 1;
    return `v=${right.toString('base64')}`;
  };

  return (data) => {
    const message = data.toString();
    if (side.faults.unasked === true) return { kind: 'success', user: /n=([^,]+)/.exec(message)?.[1] ?? '', data: '' };
    if (state === 'first') return first(message);
    return state === 'final' ? final(message) : { kind: 'success', user, data: '' };
  };
}

const failure = (condition: string, text = ''): Step => ({ kind: 'failure', condition, text });
