/** How much of anything is too much: the limits that users can set, by one option `-L NAME=VALUE` of all programs. */
import { EXIT, Fatal } from './exit.ts';

export type Limit = {
  readonly default: number;
  readonly unit: string;
  readonly least: number;
  readonly most: number;
  /** The programs that keep to it. */
  readonly programs: readonly string[];
};

export type LimitTable<Name extends string> = Readonly<Record<Name, Limit>>;
export type LimitsOf<Name extends string> = Readonly<Record<Name, number>>;

export function defaultLimits<Name extends string>(table: LimitTable<Name>): LimitsOf<Name> {
  const limits = {} as Record<Name, number>;
  for (const name of Object.keys(table) as Name[]) limits[name] = table[name].default;
  return limits;
}

/**
 * The limits that hold: the defaults, what the environment says instead, and then the options; the last one wins.
 * @param given the values of `-L`
 * @param env SJ_LIMITS: the same, with spaces between
 * @throws Fatal 100 for an unknown name, or a value that is not a number or out of its range
 */
export function readLimits<Name extends string>(
  table: LimitTable<Name>,
  given: readonly string[],
  env: string | undefined,
  usage: string,
): LimitsOf<Name> {
  const limits: Record<Name, number> = { ...defaultLimits(table) };
  const isName = (name: string): name is Name => Object.hasOwn(table, name);
  const take = (where: string) => (text: string) => {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const refuse = (why: string): never => {
      throw new Fatal(EXIT.usage, `${where}: ${why}`, usage);
    };
    if (!isName(name)) return refuse(`unknown limit: ${text}`);
    const { least, most, unit } = table[name];
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) refuse(`${name} is ${least} to ${most} ${unit}, not ${value}`);
    limits[name] = number;
  };
  (env ?? '').split(/\s+/).filter(Boolean).forEach(take('SJ_LIMITS'));
  given.forEach(take('option -L'));
  return limits;
}

/** As SJ_LIMITS has it. */
export const limitsText = (limits: Readonly<Record<string, number>>): string =>
  Object.entries(limits)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
