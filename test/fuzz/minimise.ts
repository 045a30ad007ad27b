/** Makes a case smaller as long as it still shows the same. */

import type { Write } from './in.ts';
import { hurry } from './job.ts';
import { type Case, run } from './kinds.ts';
import type { Complaint } from './oracle.ts';
import type { Step } from './step.ts';

type Input = string | Write | Step;

/** So many runs it may take. */
const MOST = 150;

export async function minimise(given: Case, found: readonly Complaint[]): Promise<Case> {
  hurry();
  const wanted = new Set(found.map(({ what }) => what));
  let left = MOST;
  const shows = async (smaller: Case) => left-- > 0 && (await run(smaller)).some(({ what }) => wanted.has(what));
  const shrunk = (inputs: readonly unknown[]) => ({ ...given, inputs }) as Case;
  let inputs: readonly Input[] = await shrink<Input>(given.inputs, (some) => shows(shrunk(some)));
  for (let i = 0; i < inputs.length && inputs.length < 20; i++) {
    const input = inputs[i]!;
    const field = typeof input === 'string' ? '' : 'text' in input ? 'text' : 'data';
    const withText = (text: string) => (typeof input === 'string' ? text : { ...input, [field]: text }) as Input;
    const parts =
      (typeof input === 'string' ? input : 'text' in input ? input.text : input.data).match(/<[^>]*>|[^<]{1,40}/gs) ??
      [];
    const smaller = await shrink(parts, (some) => shows(shrunk(inputs.with(i, withText(some.join(''))))));
    inputs = inputs.with(i, withText(smaller.join('')));
  }
  return shrunk(inputs);
}

/** Leaves out halves, quarters and so on. */
async function shrink<T>(list: readonly T[], shows: (some: T[]) => Promise<boolean>): Promise<T[]> {
  let kept = [...list];
  for (let size = Math.ceil(kept.length / 2); size >= 1 && kept.length > 1; ) {
    let smaller = false;
    for (let at = 0; at < kept.length && kept.length > 1; ) {
      const some = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (some.length > 0 && (await shows(some))) {
        kept = some;
        smaller = true;
      } else at += size;
    }
    if (size === 1 && !smaller) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return kept;
}
