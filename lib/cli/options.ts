import { EXIT, Fatal } from './exit.ts';
import { Printed } from './printed.ts';
import { VERSION } from './version.ts';

/** Which letters take a value, once or any number of times: `{ d: 'value', g: 'list', D: 'count' }`. */
export type Spec = Record<string, 'value' | 'list' | 'count'>;

export type Parsed<S extends Spec> = {
  /** The value of an option, or undefined where it was not given; the last one wins. */
  value: { [K in keyof S as S[K] extends 'value' ? K : never]?: string };
  /** The values of an option that may be given several times, in order. */
  list: { [K in keyof S as S[K] extends 'list' ? K : never]: string[] };
  /** How often a flag was given. */
  count: { [K in keyof S as S[K] extends 'count' ? K : never]: number };
  /** What is left after the options. */
  rest: string[];
};

/**
 * Options as getopt(3) reads them: one letter each, flags may be joined (`-IIx`), a value may be joined to its letter
 * or be the next argument whatever it begins with, `--` ends the options, and so does the first operand.
 * Every program answers `-h` with its usage and `-V` with its version, unless its own options have these letters.
 * @throws Fatal 100 with the usage line on an unknown letter or a missing value; Printed for `-h` and `-V`
 */
export function options<const S extends Spec>(argv: readonly string[], spec: S, usage: string): Parsed<S> {
  const value: Record<string, string> = {};
  const list: Record<string, string[]> = {};
  const count: Record<string, number> = {};
  for (const outgoingOf in spec) {
    if (spec[outgoingOf] === 'count') count[outgoingOf] = 0;
    if (spec[outgoingOf] === 'list') list[outgoingOf] = [];
  }
  let i = 0;
  for (; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--') {
      i++;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') break;
    for (let j = 1; j < arg.length; j++) {
      const outgoingOf = arg[j]!;
      const kind = Object.hasOwn(spec, outgoingOf) ? spec[outgoingOf] : undefined;
      if (kind === undefined && outgoingOf === 'h') throw new Printed(`usage: ${usage}\n`);
      if (kind === undefined && outgoingOf === 'V') throw new Printed(`${usage.split(' ', 1)[0]} ${VERSION}\n`);
      if (kind === undefined) throw new Fatal(EXIT.usage, `unknown option -${outgoingOf}`, usage);
      if (kind === 'count') {
        count[outgoingOf]!++;
        continue;
      }
      const joined = arg.slice(j + 1);
      const given = joined !== '' ? joined : argv[++i];
      if (given === undefined) throw new Fatal(EXIT.usage, `option -${outgoingOf} needs a value`, usage);
      if (kind === 'list') list[outgoingOf]!.push(given);
      else value[outgoingOf] = given;
      break;
    }
  }
  return { value, list, count, rest: argv.slice(i) } as unknown as Parsed<S>;
}
