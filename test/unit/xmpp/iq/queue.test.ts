import { describe, expect, it } from 'vitest';
import { createQueue, type QueueLimits } from '../../../../lib/xmpp/iq/queue.ts';

const LIMITS: QueueLimits = { running: 3, waiting: 5, each: { running: 2, waiting: 4 } };

function setUp(limits = LIMITS) {
  const queue = createQueue(limits);
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string) =>
    queue.add(name[0]!, () => {
      started.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string) => {
    ends.get(name)!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, started, add, end };
}

describe('createQueue', () => {
  it('runs so many at once, and of one sender fewer', async () => {
    const { started, add, end } = setUp();
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) expect(add(name)).toBe(true);
    expect(started).toEqual(['a1', 'a2', 'b1']);
    await end('b1');
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1']);
    await end('a1');
    expect(started.at(-1)).toBe('a3');
  });

  it('takes from the senders in turn', async () => {
    const { started, add, end } = setUp({ running: 1, waiting: 9, each: { running: 1, waiting: 9 } });
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) add(name);
    for (let i = 0; i < 5; i++) await end(started.at(-1)!);
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  it('refuses what is too much, of one sender earlier than of all', () => {
    const { add } = setUp();
    const taken = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'b1', 'b2', 'b3'].filter(add);
    expect(taken).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b1', 'b2']);
  });

  it('tells when nothing is left', async () => {
    const { queue, add, end } = setUp();
    await queue.idle();
    for (const name of ['a1', 'a2', 'a3']) add(name);
    let idle = false;
    void queue.idle().then(() => {
      idle = true;
    });
    await end('a1');
    await end('a2');
    expect([idle, queue.size]).toEqual([false, 1]);
    await end('a3');
    expect([idle, queue.size]).toEqual([true, 0]);
  });
});
