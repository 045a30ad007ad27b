/** What the measurements have in common. */
import { cpu } from './processes.ts';
import { contact, lines, message, type Setting, type Suite, sizeOf, start, until } from './suite.ts';

export type Numbers = Record<string, number>;

/** `n`: about how many messages. */
export type Measure = (bin: string, n: number) => Promise<Numbers>;

export const TEXT = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit &amp; sed do eiusmod tempor.';

/** Messages that are sent with one write. */
const BLOCK = 200;

/** Some 8 s after the last work the engine collects garbage once more, 20 ms for each process: that is not idling. */
export const SETTLED = 12_000;

/** Runs a suite as long as the work takes. */
export async function withSuite<T>(bin: string, work: (suite: Suite) => Promise<T>, setting: Setting = {}): Promise<T> {
  const suite = await start(bin, setting);
  try {
    return await work(suite);
  } finally {
    await suite.stop();
  }
}

export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

/** Who takes messages, and where they appear. */
export type Sink = {
  readonly server: { send(stanzas: string): Promise<void> };
  file(contact: number, name: string): string;
};

/** Sends n messages of so many contacts; the last one is of a contact that comes last in whatever is written. */
export async function flood(sink: Sink, n: number, contacts: number): Promise<void> {
  const last = sink.file(contacts, 'out');
  const before = sizeOf(last);
  for (let i = 0; i < n; ) {
    let block = '';
    for (let j = 0; j < BLOCK && i < n; j++, i++) block += message(i % contacts, `${i} ${TEXT}`);
    await sink.server.send(block);
  }
  await sink.server.send(message(contacts, 'last'));
  await until(() => sizeOf(last) > before, 2);
}

/**
 * Sends n messages of so many contacts, who are known, and finds each of them in the files.
 * @returns how long it took and what it cost, in milliseconds
 */
export async function counted(
  suite: Suite,
  n: number,
  contacts: number,
  files: readonly string[] = ['out', 'log'],
): Promise<{ time: number; spent: number }> {
  const known = Array.from({ length: contacts }, (_, i) => lines(suite.file(i, 'out')));
  const pids = suite.pids();
  const before = cpu(pids);
  const from = performance.now();
  await flood(suite, n, contacts);
  const time = performance.now() - from;
  const spent = cpu(pids) - before;
  for (let i = 0; i < contacts; i++) {
    const expected = known[i]! + Math.ceil((n - i) / contacts);
    for (const file of files) {
      const found = lines(suite.file(i, file));
      if (found !== expected) throw new Error(`${contact(i)}/${file} has ${found} lines instead of ${expected}`);
    }
  }
  return { time, spent };
}
