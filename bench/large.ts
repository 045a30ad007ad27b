/** Stanzas that are large. */
import { type Measure, median, withSuite } from './measure.ts';
import { deliver, message, type Suite, sizeOf, until } from './suite.ts';

const LINE = 'All work and no play makes Jack a dull boy. ';
const KIB = 1024;
const MIB = KIB * KIB;

/** The largest that the default limit allows. */
const LARGE = 256 * KIB;

/** A message that has so many bytes. */
function messageOf(size: number): Buffer {
  const room = size - message(0, '').length - 8;
  return Buffer.from(message(0, `00000000${LINE.repeat(Math.ceil(room / LINE.length))}`.slice(0, room)));
}

/** Sends in pieces, until so many messages of the size are in `out`; returns MB/s. */
async function speed(suite: Suite, stanza: Buffer, count: number, piece: number): Promise<number> {
  const before = sizeOf(suite.file(0, 'out'));
  const from = performance.now();
  for (let i = 0; i < count; i++)
    for (let at = 0; at < stanza.length; at += piece) await suite.server.send(stanza.subarray(at, at + piece));
  await until(() => sizeOf(suite.file(0, 'out')) >= before + count * (stanza.length - 400), 0);
  return (count * stanza.length) / 1000 / (performance.now() - from);
}

export const large: Measure = (bin) =>
  withSuite(bin, async (suite) => {
    await deliver(suite, 0, 'hello');
    const stanza = messageOf(LARGE);
    const alone: number[] = [];
    for (let i = 0; i < 20; i++) alone.push(await speed(suite, stanza, 1, LARGE));
    return {
      'in, a stanza of 256 KiB: MB/s': median(alone),
      'in, 40 stanzas of 256 KiB: MB/s': await speed(suite, stanza, 40, LARGE),
    };
  });

/** In pieces as small as they may come from a network, with the limit raised. */
export const pieces: Measure = (bin) =>
  withSuite(
    bin,
    async (suite) => {
      await deliver(suite, 0, 'hello');
      const speeds = new Map<number, number>();
      for (const size of [8, 2, 4, 8]) {
        const some: number[] = [];
        for (let i = 0; i < 3; i++) some.push(await speed(suite, messageOf(size * MIB), 1, KIB));
        speeds.set(size, median(some));
      }
      return {
        'in, 2 MiB in pieces of 1 KiB: MB/s': speeds.get(2)!,
        'in, 4 MiB in pieces of 1 KiB: MB/s': speeds.get(4)!,
        'in, 8 MiB in pieces of 1 KiB: MB/s': speeds.get(8)!,
        'in, 8 MiB: time of 2 MiB, times (linear: 4)': (4 * speeds.get(2)!) / speeds.get(8)!,
      };
    },
    { limits: `stanza=${64 * MIB}` },
  );
