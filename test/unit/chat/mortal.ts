/** A file system that its user dies on: from one call on nothing is changed any more. */
import fs from 'node:fs';

const CHANGES = [
  'ftruncateSync',
  'linkSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmSync',
  'writeFileSync',
  'writeSync',
  'writevSync',
] as const;

type Call = (...args: unknown[]) => unknown;

export type Mortal = { readonly dead: boolean; readonly calls: number; live(): void };

/**
 * @param calls how many calls still succeed
 * @param part how much of the next one's bytes is written, if it writes: 0 to 1
 */
export function mortal(calls: number, part: number): Mortal {
  const table = fs as unknown as Record<string, Call>;
  const real = new Map<string, Call>(CHANGES.map((name) => [name, table[name]!]));
  let made = 0;
  for (const [name, call] of real) {
    table[name] = (...args) => {
      if (name === 'openSync' && !changes(args[1])) return call(...args);
      made++;
      if (made === calls + 1) die(name, args);
      if (made > calls) throw new Error('killed');
      return call(...args);
    };
  }

  function die(name: string, args: unknown[]): void {
    const [fd, what] = args;
    if (name !== 'writeSync' && name !== 'writevSync') return;
    const bytes = name === 'writevSync' ? Buffer.concat(what as Buffer[]) : Buffer.from(what as Buffer);
    const from = name === 'writeSync' ? Number(args[2] ?? 0) : 0;
    const rest = bytes.subarray(from);
    real.get('writeSync')!(fd, rest.subarray(0, Math.floor(rest.length * part)));
  }

  return {
    get dead() {
      return made > calls;
    },
    get calls() {
      return made;
    },
    live() {
      for (const [name, call] of real) table[name] = call;
    },
  };
}

const changes = (flags: unknown): boolean =>
  typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : flags !== 'r' && flags !== undefined;
