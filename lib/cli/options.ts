import { EXIT, Fatal } from './die.ts';

/** Which letters take a value: `{ d: 'value', D: 'count' }`. */
export type Spec = Record<string, 'value' | 'count'>;

export type Parsed<S extends Spec> = {
  /** The value of an option, or undefined where it was not given; the last one wins. */
  value: { [K in keyof S as S[K] extends 'value' ? K : never]?: string };
  /** How often a flag was given. */
  count: { [K in keyof S as S[K] extends 'count' ? K : never]: number };
  /** What is left after the options. */
  rest: string[];
};

/**
 * Options as getopt(3) reads them: one letter each, flags may be joined (`-IIx`), a value may be joined to its letter
 * or be the next argument whatever it begins with, `--` ends the options, and so does the first operand.
 * @throws Fatal 100 with the usage line on an unknown letter or a missing value
 */
export function options<const S extends Spec>(argv: readonly string[], spec: S, usage: string): Parsed<S> {
  const value: Record<string, string> = {};
  const count: Record<string, number> = {};
  for (const letter in spec) if (spec[letter] === 'count') count[letter] = 0;
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
      if (kind === undefined) throw new Fatal(EXIT.usage, `unknown option -${letter}`, usage);
      if (kind === 'count') {
        count[letter]!++;
        continue;
      }
      const joined = arg.slice(j + 1);
      const given = joined !== '' ? joined : argv[++i];
      if (given === undefined) throw new Fatal(EXIT.usage, `option -${letter} needs a value`, usage);
      value[letter] = given;
      break;
    }
  }
  return { value, count, rest: argv.slice(i) } as unknown as Parsed<S>;
}
