/** The limits of the programs for XMPP, and what follows from them for stanzas. */
import { CHAT_LIMITS } from '../chat/limits.ts';
import { defaultLimits, type LimitsOf, type LimitTable, readLimits } from '../cli/limits.ts';
import { PRESENCE_LIMITS } from '../presence/limits.ts';
import { LIMITS, type Limits as XmlLimits } from '../xml/limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The manual, sj(7), tells the effect of each; a test holds its table to this one. */
export const TABLE = {
  stanza: { default: LIMITS.bytes, unit: 'bytes', least: 10_000, most: 64 * MIB, programs: ['sj', 'messaged'] },
  send: { default: CHAT_LIMITS.send, unit: 'bytes', least: 10_000, most: 64 * MIB, programs: ['sj', 'messaged'] },
  iq: { default: LIMITS.iqBytes, unit: 'bytes', least: 10_000, most: 256 * MIB, programs: ['sj'] },
  depth: { default: LIMITS.depth, unit: 'levels', least: 8, most: 1000, programs: ['sj'] },
  attributes: { default: LIMITS.attributes, unit: 'attributes', least: 8, most: 1000, programs: ['sj'] },
  line: { default: CHAT_LIMITS.line, unit: 'bytes', least: 1, most: 64 * MIB, programs: ['messaged'] },
  new: {
    default: CHAT_LIMITS.new,
    unit: 'contacts an hour',
    least: 0,
    most: 1_000_000,
    programs: ['messaged', 'presenced'],
  },
  flood: { default: CHAT_LIMITS.flood, unit: 'bytes a second', least: 1, most: 1_000_000_000, programs: ['messaged'] },
  events: {
    default: 64 * MIB,
    unit: 'bytes',
    least: 1000,
    most: MIB * MIB,
    programs: ['sj', 'messaged', 'presenced', 'iqd'],
  },
  contacts: {
    default: CHAT_LIMITS.contacts,
    unit: 'contacts',
    least: 10,
    most: 1_000_000,
    programs: ['messaged', 'presenced'],
  },
  resources: {
    default: PRESENCE_LIMITS.resources,
    unit: 'resources of a contact',
    least: 1,
    most: 10_000,
    programs: ['presenced'],
  },
  requests: { default: 4096, unit: 'requests', least: 1, most: 100_000, programs: ['sj'] },
  handlers: { default: 8, unit: 'programs', least: 1, most: 1000, programs: ['iqd'] },
  time: { default: 30, unit: 'seconds', least: 1, most: 3600, programs: ['iqd'] },
  output: { default: 256 * KIB, unit: 'bytes', least: KIB, most: 64 * MIB, programs: ['iqd'] },
} as const satisfies LimitTable<string>;

export type LimitName = keyof typeof TABLE;
export type Limits = LimitsOf<LimitName>;

export const DEFAULT_LIMITS: Limits = defaultLimits<LimitName>(TABLE);

/** The limits that hold for a program of the suite; see `readLimits`. */
export const suiteLimits = (given: readonly string[], env: string | undefined, usage: string): Limits =>
  readLimits<LimitName>(TABLE, given, env, usage);

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
