/** The kinds of cases. A case is plain data: it is the same wherever it runs. */

import { setTimeout as pause } from 'node:timers/promises';
import { type InCase, makeInCase, runInCase } from './in.ts';
import type { Complaint } from './oracle.ts';
import { makePureCase, type PureCase, runPureCase } from './pure.ts';
import { makeStdinCase, runStdinCase, type StdinCase } from './stdin.ts';
import { makeTreeCase, runTreeCase, type TreeCase } from './tree.ts';
import { runWireCase } from './wire.ts';
import { makeWireCase, type WireCase } from './wire-case.ts';

export type Case = WireCase | InCase | StdinCase | TreeCase | PureCase;
export type Kind = Case['kind'];
export const KINDS: readonly Kind[] = ['wire', 'in', 'stdin', 'tree', 'pure'];

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
    case 'pure':
      return makePureCase(seed);
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
    case 'pure':
      return pause(20, runPureCase(given));
  }
}
