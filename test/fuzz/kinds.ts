/** The kinds of cases. A case is plain data: it is the same wherever it runs. */

import { type InCase, makeInCase, runInCase } from './in.ts';
import type { Complaint } from './oracle.ts';
import { makeStdinCase, runStdinCase, type StdinCase } from './stdin.ts';
import { makeTreeCase, runTreeCase, type TreeCase } from './tree.ts';
import { makeWireCase, runWireCase, type WireCase } from './wire.ts';

export type Case = WireCase | InCase | StdinCase | TreeCase;
export type Kind = Case['kind'];
export const KINDS: readonly Kind[] = ['wire', 'in', 'stdin', 'tree'];

export function make(kind: Kind, seed: string): Case {
  switch (kind) {
    case 'wire':
      return makeWireCase(seed);
    case 'in':
      return makeInCase(seed);
    case 'stdin':
      return makeStdinCase(seed);
    case 'tree':
      return makeTreeCase(seed);
  }
}

export function run(given: Case): Promise<Complaint[]> {
  switch (given.kind) {
    case 'wire':
      return runWireCase(given);
    case 'in':
      return runInCase(given);
    case 'stdin':
      return runStdinCase(given);
    case 'tree':
      return runTreeCase(given);
  }
}
