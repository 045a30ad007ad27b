/** How much of anything is too much: the limits that users can set, by one option `-L NAME=VALUE` of all programs. */
import { LIMITS, type Limits as XmlLimits } from '../xml/limits.ts';
import { EXIT, Fatal } from './exit.ts';

type Limit = {
  readonly default: number;
  readonly unit: string;
  readonly least: number;
  readonly most: number;
  /** Who keeps to it. */
  readonly programs: readonly ('sj' | 'messaged' | 'presenced' | 'iqd')[];
};

const KIB = 1024;
const MIB = 1024 * KIB;

/** The manual, sj(7), tells the effect of each; a test holds its table to this one. */
export const TABLE = {
  stanza: { default: LIMITS.bytes, unit: 'bytes', least: 10_000, most: 64 * MIB, programs: ['sj', 'messaged'] },
  send: { default: 256 * KIB, unit: 'bytes', least: 10_000, most: 64 * MIB, programs: ['sj', 'messaged'] },
  iq: { default: LIMITS.iqBytes, unit: 'bytes', least: 10_000, most: 256 * MIB, programs: ['sj'] },
  depth: { default: LIMITS.depth, unit: 'levels', least: 8, most: 1000, programs: ['sj'] },
  attributes: { default: LIMITS.attributes, unit: 'attributes', least: 8, most: 1000, programs: ['sj'] },
  line: { default: MIB, unit: 'bytes', least: 1, most: 64 * MIB, programs: ['messaged'] },
  new: { default: 20_000, unit: 'contacts an hour', least: 0, most: 1_000_000, programs: ['messaged', 'presenced'] },
  flood: { default: MIB, unit: 'bytes a second', least: 1, most: 1_000_000_000, programs: ['messaged'] },
  events: {
    default: 64 * MIB,
    unit: 'bytes',
    least: 1000,
    most: MIB * MIB,
    programs: ['sj', 'messaged', 'presenced', 'iqd'],
  },
  contacts: { default: 20_000, unit: 'contacts', least: 10, most: 1_000_000, programs: ['messaged', 'presenced'] },
  resources: { default: 64, unit: 'resources of a contact', least: 1, most: 10_000, programs: ['presenced'] },
  requests: { default: 4096, unit: 'requests', least: 1, most: 100_000, programs: ['sj'] },
  handlers: { default: 8, unit: 'programs', least: 1, most: 1000, programs: ['iqd'] },
  time: { default: 30, unit: 'seconds', least: 1, most: 3600, programs: ['iqd'] },
  output: { default: 256 * KIB, unit: 'bytes', least: KIB, most: 64 * MIB, programs: ['iqd'] },
} as const satisfies Readonly<Record<string, Limit>>;

export type LimitName = keyof typeof TABLE;
export type Limits = Readonly<Record<LimitName, number>>;

export const DEFAULT_LIMITS = Object.fromEntries(
  Object.entries(TABLE).map(([name, limit]) => [name, limit.default]),
) as Limits;

const isName = (name: string): name is LimitName => Object.hasOwn(TABLE, name);

/**
 * The limits that hold: the defaults, what the environment says instead, and then the options; the last one wins.
 * @param given the values of `-L`
 * @param env SJ_LIMITS: the same, with spaces between
 * @throws Fatal 100 for a name that is none, or a value that is no number or out of its range
 */
export function readLimits(given: readonly string[], env: string | undefined, usage: string): Limits {
  const limits: Record<LimitName, number> = { ...DEFAULT_LIMITS };
  const take = (where: string) => (text: string) => {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const refuse = (why: string): never => {
      throw new Fatal(EXIT.usage, `${where}: ${why}`, usage);
    };
    if (!isName(name)) return refuse(`no limit, NAME=VALUE: ${text}`);
    const { least, most, unit } = TABLE[name];
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) refuse(`${name} is ${least} to ${most} ${unit}, not ${value}`);
    limits[name] = number;
  };
  (env ?? '').split(/\s+/).filter(Boolean).forEach(take('SJ_LIMITS'));
  given.forEach(take('option -L'));
  return limits;
}

/** As SJ_LIMITS has it. */
export const limitsText = (limits: Limits): string =>
  Object.entries(limits)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** What one stanza may be, as it comes from the server. */
export const stanzaLimits = ({ stanza, iq, depth, attributes }: Limits): XmlLimits => ({
  bytes: stanza,
  iqBytes: iq,
  depth,
  attributes,
});

/** How large a message or presence may be that goes out: servers take less from their users than from each other. */
export const mostSent = ({ stanza, send }: Limits): number => Math.min(stanza, send);

/** How many times as long a stanza may become when it is written anew: a character is escaped by six at most. */
export const SWELL = 6;

/** The same for a daemon, which gets it as sj has written it: each attribute may have got a declaration of its prefix. */
export const daemonLimits = ({ stanza, iq, depth, attributes }: Limits): XmlLimits => ({
  bytes: SWELL * stanza,
  iqBytes: SWELL * iq,
  depth,
  attributes: 2 * attributes + 1,
});
