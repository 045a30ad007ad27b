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
  for (const letter in spec) {
    if (spec[letter] === 'count') count[letter] = 0;
    if (spec[letter] === 'list') list[letter] = [];
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
      const letter = arg[j]!;
      const kind = Object.hasOwn(spec, letter) ? spec[letter] : undefined;
      if (kind === undefined && letter === 'h') throw new Printed(`usage: ${usage}\n`);
      if (kind === undefined && letter === 'V') throw new Printed(`${usage.split(' ', 1)[0]} ${VERSION}\n`);
      if (kind === undefined) throw new Fatal(EXIT.usage, `unknown option -${letter}`, usage);
      if (kind === 'count') {
        count[letter]!++;
        continue;
      }
      const joined = arg.slice(j + 1);
      const given = joined !== '' ? joined : argv[++i];
      if (given === undefined) throw new Fatal(EXIT.usage, `option -${letter} needs a value`, usage);
      if (kind === 'list') list[letter]!.push(given);
      else value[letter] = given;
      break;
    }
  }
  return { value, list, count, rest: argv.slice(i) } as unknown as Parsed<S>;
}
