/** Makes a case smaller as long as it still shows the same. */
import { type Case, run } from './kinds.ts';
import type { Complaint } from './oracle.ts';

/** So many runs it may take. */
const MOST = 150;

export async function minimise(given: Case, found: readonly Complaint[]): Promise<Case> {
  const wanted = new Set(found.map(({ what }) => what));
  let left = MOST;
  const shows = async (smaller: Case) => left-- > 0 && (await run(smaller)).some(({ what }) => wanted.has(what));
  let inputs = await shrink(given.inputs, (some) => shows({ ...given, inputs: some }));
  for (let i = 0; i < inputs.length && inputs.length < 20; i++) {
    const parts = inputs[i]!.match(/<[^>]*>|[^<]{1,40}/gs) ?? [];
    const smaller = await shrink(parts, (some) => shows({ ...given, inputs: inputs.with(i, some.join('')) }));
    inputs = inputs.with(i, smaller.join(''));
  }
  return { ...given, inputs };
}

/** Leaves out halves, quarters and so on. */
async function shrink(list: readonly string[], shows: (some: string[]) => Promise<boolean>): Promise<string[]> {
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
