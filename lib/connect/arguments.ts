import { EXIT, Fatal } from '../cli/die.ts';
import { descriptor } from '../cli/inherited.ts';
import { readLimits } from '../cli/limits.ts';
import { options } from '../cli/options.ts';
import { type Jid, JidError, parseJid } from '../jid/jid.ts';
import type { Want } from './find.ts';
import { parseTarget, type Target } from './target.ts';

export const USAGE =
  'xmppc [-DIIx] [-c CAFILE] [-d DIR] [-H HOST:PORT] [-L NAME=VALUE]... [-p FD] [-r RESOURCE] [-t SECONDS] USER@DOMAIN';

export type Arguments = {
  /** The domain whose server is wanted: the name to look up, and for sj to verify. */
  domain: string;
  /** What -H says: where that server is. */
  target: Target | undefined;
  want: Want;
  /** A descriptor that sj shall have under the same number. */
  passed: number | undefined;
  /** The arguments of sj; where to connect decides whether there will be a -x too. */
  sj: string[];
};

/** Options that sj takes as xmppc was given them. */
const FLAGS = ['D', 'I'] as const;
const VALUES = ['c', 'd', 'p', 'r', 't'] as const;
const SPEC = {
  D: 'count',
  I: 'count',
  T: 'count',
  x: 'count',
  H: 'value',
  L: 'list',
  c: 'value',
  d: 'value',
  p: 'value',
  r: 'value',
  s: 'value',
  t: 'value',
  u: 'value',
} as const;

/**
 * The command line of xmppc; options may stand on both sides of the JID.
 * @throws Fatal 100 with the usage
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const before = options(argv, SPEC, USAGE);
  const [text, ...others] = before.rest;
  if (text === undefined) throw misuse('whose account? USER@DOMAIN is missing');
  const after = options(others, SPEC, USAGE);
  if (after.rest.length > 0) throw misuse(`one account only, not also ${after.rest[0]}`);
  const value = { ...before.value, ...after.value };
  const count = (letter: keyof typeof before.count) => before.count[letter] + after.count[letter];

  for (const letter of ['s', 'u'] as const) {
    if (value[letter] !== undefined) throw misuse(`no -${letter} here: USER@DOMAIN says it`);
  }
  if (count('T') > 0) throw misuse('no -T here: xmppc hands over a bare TCP connection');
  if (count('I') > 0 && count('x') > 0) throw misuse('-x asks for TLS, and -I for none: which?');

  const jid = account(text);
  if (jid.resource !== '') value.r ??= jid.resource;

  const want = count('x') > 0 ? 'direct' : count('I') > 0 ? 'starttls' : 'both';
  const target = value.H === undefined ? undefined : parseTarget(value.H, want === 'direct');
  if (target === null) throw misuse(`option -H: not HOST or HOST:PORT: ${value.H}`);

  const passed = value.p === undefined ? undefined : descriptor(value.p, '-p');
  if (passed === 6 || passed === 7) throw misuse('option -p: 6 and 7 are the connection');

  const limits = [...before.list.L, ...after.list.L];
  readLimits(limits, process.env.SJ_LIMITS, USAGE);
  const sj = ['-u', jid.local, '-s', jid.domain, ...limits.flatMap((limit) => ['-L', limit])];
  for (const letter of FLAGS) for (let i = count(letter); i > 0; i--) sj.push(`-${letter}`);
  for (const letter of VALUES) if (value[letter] !== undefined) sj.push(`-${letter}`, value[letter]);
  return { domain: jid.domain, target, want, passed, sj };
}

function account(text: string): Jid {
  try {
    const jid = parseJid(text);
    if (jid.local !== '') return jid;
  } catch (error) {
    if (error instanceof JidError) throw misuse(`not an account, USER@DOMAIN: ${text}: ${error.message}`);
    throw error;
  }
  throw misuse(`not an account, USER@DOMAIN: ${text}`);
}

function misuse(message: string): Fatal {
  return new Fatal(EXIT.usage, message, USAGE);
}
