/**
 * The client's side of SCRAM (RFC 5802; SHA-256: RFC 7677), with and without channel binding, and the check of what
 * the server offered (XEP-0474). The server proves with `v=` that it knows the password too: nothing counts as
 * authenticated before that proof is checked.
 */

import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { EXIT } from '../../cli/exit.ts';
import { decodeBase64 } from './base64.ts';
import { type SaslCode, SaslError } from './error.ts';
import { saslprep } from './saslprep.ts';

const digests = {
  'SHA-1': { name: 'sha1', bytes: 20 },
  'SHA-256': { name: 'sha256', bytes: 32 },
  'SHA-512': { name: 'sha512', bytes: 64 },
} as const;

export type ScramHash = keyof typeof digests;

/** The GS2 flag of RFC 5802 section 6: `n` we cannot bind, `y` we could but the server cannot, `p=TYPE` we do. */
export type Binding = { kind: 'none' } | { kind: 'unused' } | { kind: 'used'; type: string; data: Uint8Array };

/** What the server offered in the clear, word for word: its mechanisms, and its XEP-0440 types (null: not announced). */
export type Offer = { mechanisms: readonly string[]; bindings: readonly string[] | null };

export type ScramOptions = {
  hash: ScramHash;
  user: string;
  password: string;
  binding: Binding;
  offer: Offer;
  /** Refuse a server that does not vouch for its offer (`h=`, XEP-0474). */
  mustVouch?: boolean;
  /** For tests only: without it 24 bytes from the CSPRNG. */
  nonce?: string;
};

export type ScramClient = {
  /** The client-first-message. */
  first(): string;
  /** Takes the server-first-message, gives the client-final-message. */
  challenge(text: string): Promise<string>;
  /** Takes the server-final-message. It returns only if the server has proved itself. */
  success(text: string): void;
};

/** Below this RFC 5802 calls a count insecure; above it the count is a trap for our CPU. */
const MIN_ITERATIONS = 4_096;
const MAX_ITERATIONS = 10_000_000;

const derive = promisify(pbkdf2);

function broken(code: SaslCode, what: string): SaslError {
  return new SaslError(code, EXIT.protocol, `the server broke SCRAM: ${what}`);
}

/** The attributes of a message in their order (RFC 5802 section 7: `attr-val`, value at least one character). */
function attributes(text: string): [name: string, value: string][] {
  const list = text.split(',').map((part): [string, string] => {
    if (!/^[A-Za-z]=[^\0]/.test(part) || part.includes('\0'))
      throw broken('malformed', 'a message that cannot be read');
    return [part[0]!, part.slice(2)];
  });
  // RFC 5802 section 5.1: `m` announces what a client must understand, and nobody has defined any such thing.
  if (list.some(([name]) => name === 'm')) throw broken('mandatory-extension', 'an extension that no client knows');
  if (list[0]![0] === 'e') throw serverError(list[0]![1]);
  return list;
}

/** The error for `e=` (RFC 5802 section 7, server-error-value). */
function serverError(value: string): SaslError {
  const exit =
    value === 'invalid-proof' || value === 'unknown-user'
      ? EXIT.refused
      : value === 'no-resources'
        ? EXIT.temporary
        : EXIT.protocol;
  return new SaslError('server-error', exit, `the server refused authentication (${value.slice(0, 64)})`);
}

/**
 * Checks that a message has exactly the wanted attributes at its front, and behind them nothing but extensions, each
 * once and none of them a name that RFC 5802 uses for something else.
 */
function ordered(list: [string, string][], wanted: string): Map<string, string> {
  const found = new Map<string, string>();
  list.forEach(([name, value], i) => {
    const expected = wanted[i];
    const fits = expected === undefined ? !'aceimnprsv'.includes(name) : name === expected;
    if (!fits || found.has(name)) throw broken('malformed', `attribute ${name}= out of place`);
    found.set(name, value);
  });
  if (list.length < wanted.length) throw broken('malformed', `attribute ${wanted[list.length]}= is missing`);
  return found;
}

/** What XEP-0474 version 0.5 hashes: both lists in the order of their octets. */
function offerText({ mechanisms, bindings }: Offer): string {
  const joined = (names: readonly string[]) =>
    names
      .map((name) => Buffer.from(name))
      .sort(Buffer.compare)
      .join('\x1e');
  return bindings === null ? joined(mechanisms) : `${joined(mechanisms)}\x1f${joined(bindings)}`;
}

function gs2Header(binding: Binding): string {
  if (binding.kind !== 'used') return binding.kind === 'unused' ? 'y,,' : 'n,,';
  if (!/^[A-Za-z0-9.-]+$/.test(binding.type)) throw new TypeError('not a channel binding type');
  return `p=${binding.type},,`;
}

/**
 * A SCRAM exchange. User and password are prepared here, so that what SASLprep forbids is told before anything is sent.
 * @throws SaslError bad-username, bad-password; later whatever the server does wrong
 */
export async function scramClient(options: ScramOptions): Promise<ScramClient> {
  const user = await saslprep(options.user);
  if (user === null) throw new SaslError('bad-username', EXIT.usage, 'SCRAM forbids this user name (RFC 4013)');
  const password = await saslprep(options.password);
  if (password === null) throw new SaslError('bad-password', EXIT.usage, 'SCRAM forbids this password (RFC 4013)');

  const digest = digests[options.hash];
  const hash = (data: Uint8Array | string) => createHash(digest.name).update(data).digest();
  const hmac = (key: Uint8Array, data: string) => createHmac(digest.name, key).update(data).digest();

  const { binding, offer, mustVouch = false, nonce = randomBytes(24).toString('base64') } = options;
  const header = gs2Header(binding);
  const bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  let state: 'first' | 'busy' | 'final' = 'first';
  let signature = Buffer.alloc(0);

  /** XEP-0474: the server repeats, covered by the proofs of both sides, what it offered in the clear. */
  function checkOffer(vouched: string | undefined) {
    if (vouched === undefined && mustVouch) {
      throw new SaslError(
        'binding-stripped',
        EXIT.protocol,
        'the server announces no channel binding that sj knows, and nothing shows that its list is genuine',
      );
    }
    if (vouched !== undefined && vouched !== hash(offerText(offer)).toString('base64')) {
      throw new SaslError(
        'offer-tampered',
        EXIT.protocol,
        "somebody has changed the server's list of mechanisms on its way",
      );
    }
  }

  function readFirst(text: string) {
    const list = ordered(attributes(text), 'rsi');
    const fullNonce = list.get('r')!;
    // RFC 5802 section 5.1: the server's part follows ours and is not empty, or old messages could be played again.
    if (
      !fullNonce.startsWith(nonce) ||
      fullNonce.length === nonce.length ||
      !/^[\x21-\x2b\x2d-\x7e]+$/.test(fullNonce)
    ) {
      throw broken('nonce-mismatch', 'its nonce does not continue ours');
    }
    const salt = decodeBase64(list.get('s')!);
    if (salt === null || salt.length === 0) throw broken('bad-salt', 'its salt is not base64');
    const count = list.get('i')!;
    if (!/^[1-9][0-9]*$/.test(count)) throw broken('malformed', 'its iteration count is not a number');
    const iterations = Number(count);
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
      throw broken('iteration-count', `${count.slice(0, 20)} iterations, not ${MIN_ITERATIONS} to ${MAX_ITERATIONS}`);
    }
    checkOffer(list.get('h'));
    return { fullNonce, salt, iterations };
  }

  return {
    first: () => header + bare,

    async challenge(text) {
      if (state !== 'first') throw broken('unexpected-challenge', 'a challenge too many');
      state = 'busy';
      const { fullNonce, salt, iterations } = readFirst(text);
      const salted = await derive(password, salt, iterations, digest.bytes, digest.name);
      const clientKey = hmac(salted, 'Client Key');
      const data = binding.kind === 'used' ? binding.data : Buffer.alloc(0);
      const withoutProof = `c=${Buffer.concat([Buffer.from(header), data]).toString('base64')},r=${fullNonce}`;
      const message = `${bare},${text},${withoutProof}`;
      const proof = hmac(hash(clientKey), message).map((byte, i) => byte ^ clientKey[i]!);
      signature = hmac(hmac(salted, 'Server Key'), message);
      state = 'final';
      return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
    },

    success(text) {
      if (state !== 'final' || text === '') {
        throw broken(
          'missing-server-signature',
          'it says that we are in and does not prove that it knows the password',
        );
      }
      const got = decodeBase64(ordered(attributes(text), 'v').get('v')!);
      if (got === null || got.length !== signature.length || !timingSafeEqual(got, signature)) {
        throw new SaslError(
          'bad-server-signature',
          EXIT.protocol,
          'the server does not know the password: its SCRAM signature is wrong',
        );
      }
    },
  };
}
