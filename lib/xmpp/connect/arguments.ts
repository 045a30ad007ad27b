import { descriptor } from '../../cli/descriptor.ts';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { options } from '../../cli/options.ts';
import { type Jid, JidError, parseJid } from '../jid/jid.ts';
import { suiteLimits } from '../limits.ts';
import type { Want } from './find.ts';
import { parseTarget, type Target } from './target.ts';

export const USAGE =
  'xmppc [-DIIkx] [-c CAFILE] [-d DIR] [-H HOST:PORT] [-L NAME=VALUE]... [-n FD] [-p FD] [-r RESOURCE] [-t SECONDS] [-w FIRST[:MOST]] USER@DOMAIN';

export type Arguments = {
  /** The domain whose server is wanted: the name to look up, and for sj to verify. */
  domain: string;
  /** The bare JID of the account. */
  account: string;
  /** As -d says. */
  dir: string | undefined;
  /** What -H says: where that server is. */
  target: Target | undefined;
  want: Want;
  /** Where the password comes from, as -p says. */
  password: number | undefined;
  /** Who wants to know that the account is online, as -n says. */
  ready: number | undefined;
  /** Stay online, with so much time, in milliseconds, between tries; undefined: one connection will do. */
  keep: { first: number; most: number } | undefined;
  /** The arguments of sj; where to connect decides whether there will be a -x too. */
  sj: string[];
};

/** Options that sj takes as xmppc was given them. */
const FLAGS = ['D', 'I'] as const;
const VALUES = ['c', 'd', 'r', 't'] as const;
const SPEC = {
  D: 'count',
  I: 'count',
  T: 'count',
  k: 'count',
  x: 'count',
  H: 'value',
  L: 'list',
  c: 'value',
  d: 'value',
  n: 'value',
  p: 'value',
  r: 'value',
  s: 'value',
  t: 'value',
  u: 'value',
  w: 'value',
} as const;

/** Between the first two tries, and at most, in seconds. */
const WAITS = '1:300';

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
  const count = (outgoingOf: keyof typeof before.count) => before.count[outgoingOf] + after.count[outgoingOf];

  for (const outgoingOf of ['s', 'u'] as const) {
    if (value[outgoingOf] !== undefined) throw misuse(`no -${outgoingOf} here: USER@DOMAIN says it`);
  }
  if (count('T') > 0) throw misuse('no -T here: xmppc hands over a bare TCP connection');
  if (count('I') > 0 && count('x') > 0) throw misuse('-x asks for TLS, and -I for none: which?');

  const jid = accountJid(text);
  if (jid.resource !== '') value.r ??= jid.resource;

  const want = count('x') > 0 ? 'direct' : count('I') > 0 ? 'starttls' : 'both';
  const target = value.H === undefined ? undefined : parseTarget(value.H, want === 'direct');
  if (target === null) throw misuse(`option -H: not HOST or HOST:PORT: ${value.H}`);

  const password = passed(value.p, '-p');
  const ready = passed(value.n, '-n');
  if (ready !== undefined && ready === password) throw misuse(`-n and -p can not both be descriptor ${ready}`);
  if (count('k') === 0 && value.w !== undefined) throw misuse('-w says how long -k waits: there is no -k');
  const keep = count('k') > 0 ? waits(value.w ?? WAITS) : undefined;

  const limits = [...before.list.L, ...after.list.L];
  suiteLimits(limits, process.env.SJ_LIMITS, USAGE);
  const sj = ['-u', jid.local, '-s', jid.domain, ...limits.flatMap((limit) => ['-L', limit])];
  for (const outgoingOf of FLAGS) for (let i = count(outgoingOf); i > 0; i--) sj.push(`-${outgoingOf}`);
  for (const outgoingOf of VALUES) if (value[outgoingOf] !== undefined) sj.push(`-${outgoingOf}`, value[outgoingOf]);
  const account = `${jid.local}@${jid.domain}`;
  return { domain: jid.domain, account, dir: value.d, target, want, password, ready, keep, sj };
}

function passed(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const fd = descriptor(text, option);
  if (fd === 6 || fd === 7) throw misuse(`option ${option}: 6 and 7 are the connection`);
  return fd;
}

/** `FIRST` or `FIRST:MOST` in seconds, which may have a fraction. */
function waits(text: string): { first: number; most: number } {
  const [, first, most] = /^(\d{1,5}(?:\.\d{1,3})?)(?::(\d{1,5}(?:\.\d{1,3})?))?$/.exec(text) ?? [];
  if (first === undefined || Number(first) === 0) throw misuse(`option -w: not a number of seconds, or two: ${text}`);
  const found = { first: Number(first) * 1000, most: Number(most ?? Math.max(300, Number(first))) * 1000 };
  if (found.most < found.first) throw misuse(`option -w: the longest wait is shorter than the first: ${text}`);
  return found;
}

function accountJid(text: string): Jid {
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
