/** The mechanisms (RFC 4422, RFC 4616, XEP-0178) and which of them a connection is offered. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Faults } from './faults.ts';
import { parseJid } from './jid.ts';
import { type ScramHash, scram } from './scram.ts';

/** What to answer. The user of a success is a localpart. */
export type Step =
  | { kind: 'challenge'; data: string }
  | { kind: 'success'; user: string; data: string }
  | { kind: 'failure'; condition: string; text: string };

/** One login: takes what the client says, gives what to answer. */
export type Exchange = (data: Buffer) => Step;

/** What a login needs to know of the connection and the accounts. */
export type SaslSide = {
  domain: string;
  /** Mechanisms of this connection, as they were announced. */
  offered: readonly string[];
  /** The password of a localpart as it was registered. */
  password(user: string): string | undefined;
  iterations: number;
  /** Channel binding data of this connection by type. */
  binding(type: string): Buffer | undefined;
  /** The addresses in the client's certificate, if the CA of the server stands behind it. */
  certified: readonly string[];
  faults: Faults;
};

export const MECHANISMS: readonly string[] = [
  'SCRAM-SHA-512-PLUS',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'PLAIN',
];

const HASHES: Record<string, ScramHash> = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' };

/** Begins a login. */
export function exchange(mechanism: string, side: SaslSide): Exchange | undefined {
  if (!side.offered.includes(mechanism)) return undefined;
  if (mechanism === 'PLAIN') return (data) => plain(data, side);
  if (mechanism === 'EXTERNAL') return (data) => external(data, side);
  const [, name = '', plus] = /^SCRAM-(SHA-\d+)(-PLUS)?$/.exec(mechanism) ?? [];
  const hash = HASHES[name];
  if (hash === undefined) return undefined;
  return scram({
    hash,
    plus: plus !== undefined,
    offersPlus: side.offered.some((m) => m.endsWith('-PLUS')),
    iterations: side.iterations,
    lookup(user) {
      const password = side.password(user.toLowerCase());
      if (password === undefined) return undefined;
      const salt = createHash('sha256').update(`salt of ${user}@${side.domain}`).digest().subarray(0, 16);
      return { password: prepare(password), salt };
    },
    binding: side.binding,
    faults: side.faults.scram ?? {},
  });
}

function plain(data: Buffer, side: SaslSide): Step {
  const [authzid, user, password, ...more] = data.toString().split('\0');
  if (authzid === undefined || !user || !password || more.length > 0) return failure('malformed-request');
  const known = side.password(user.toLowerCase());
  if (known === undefined || !same(prepare(known), prepare(password))) return failure('not-authorized');
  if (authzid !== '' && parseJid(authzid)?.bare !== `${user}@${side.domain}`.toLowerCase())
    return failure('invalid-authzid');
  return { kind: 'success', user, data: '' };
}

function external(data: Buffer, side: SaslSide): Step {
  const wanted = data.toString();
  const jid = side.certified
    .map(parseJid)
    .find((j) => j?.domain === side.domain && (wanted === '' || wanted === j.bare));
  if (jid === undefined || side.password(jid.local) === undefined) return failure('not-authorized');
  return { kind: 'success', user: jid.local, data: '' };
}

const same = (a: string, b: string) =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

/** SASLprep (RFC 4013), without its prohibitions: spaces to one, the invisible to nothing, NFKC. */
const prepare = (password: string) =>
  password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g, '')
    .normalize('NFKC');

const failure = (condition: string, text = ''): Step => ({ kind: 'failure', condition, text });
