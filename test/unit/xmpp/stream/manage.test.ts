import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAckPolicy, createIncoming, createOutgoing, plus } from '../../../../lib/xmpp/stream/manage.ts';

const stanza = (n: number) => ({ bytes: Buffer.from(`<message id='${n}'/>`), time: n });
const count = fc.oneof(fc.nat(1000), fc.integer({ min: 2 ** 32 - 20, max: 2 ** 32 - 1 }));

describe('outgoing', () => {
  it('keeps what is not acknowledged, in order, whatever the counter stands at', () => {
    fc.assert(
      fc.property(count, fc.array(fc.nat(30), { maxLength: 60 }), (start, steps) => {
        const outgoing = createOutgoing(start);
        const model: number[] = [];
        let acked = start;
        let next = 0;
        for (const step of steps) {
          if (step % 3 > 0 || model.length === 0) {
            outgoing.sent(stanza(next));
            model.push(next++);
          } else {
            const news = step % (model.length + 1);
            acked = plus(acked, news);
            model.splice(0, news);
            expect(outgoing.acknowledged(acked)).toBe(news);
          }
          expect(outgoing.open.map(({ time }) => time)).toEqual(model);
          expect(outgoing.openCount).toBe(model.length);
          expect(outgoing.openBytes).toBe(outgoing.open.reduce((sum, { bytes }) => sum + bytes.length, 0));
          expect(outgoing.count).toBe(plus(start, next));
        }
      }),
    );
  });

  it('refuses to believe that more has arrived than was sent', () => {
    for (const start of [0, 2 ** 32 - 1]) {
      const outgoing = createOutgoing(start);
      outgoing.sent(stanza(1));
      expect(outgoing.acknowledged(plus(start, 2))).toBeNull();
      expect(outgoing.acknowledged(plus(start, 2 ** 32 - 1))).toBeNull();
      expect(outgoing.openCount).toBe(1);
      expect(outgoing.acknowledged(plus(start, 1))).toBe(1);
      expect(outgoing.acknowledged(plus(start, 1))).toBe(0);
      expect(outgoing.acknowledged(start)).toBeNull();
    }
  });

  it('goes on from where an earlier connection stood', () => {
    const outgoing = createOutgoing(7, [stanza(5), stanza(6)]);
    expect(outgoing.acknowledged(4)).toBeNull();
    expect(outgoing.acknowledged(6)).toBe(1);
    expect(outgoing.open).toEqual([stanza(6)]);
  });
});

describe('incoming', () => {
  const names = ['a', 'b'] as const;

  it('counts as dealt with what everybody before it has dealt with', () => {
    const route = fc.array(fc.constantFrom('a', 'b', null, 'mark', 'done'), { maxLength: 80 });
    fc.assert(
      fc.property(count, route, fc.infiniteStream(fc.nat(100)), (start, steps, picks) => {
        const incoming = createIncoming({ count: start, numbers: { a: 0, b: 0 } });
        const arrived: ('a' | 'b' | null)[] = [];
        const done = { a: 0, b: 0 };
        const given = { a: 0, b: 0 };
        let marked = 0;
        for (const step of steps) {
          if (step === 'mark') {
            incoming.mark();
            marked = arrived.length;
          } else if (step === 'done') {
            const name = names[picks.next().value! % 2]!;
            done[name] += picks.next().value! % (given[name] - done[name] + 1);
            incoming.done(name, done[name]);
          } else {
            arrived.push(step);
            const number = incoming.arrived(step);
            if (step !== null) expect(number).toBe(++given[step]);
          }
          expect(incoming.count).toBe(plus(start, arrived.length));
          // Never more than is true: the prefix that is dealt with and handed over.
          const seen = { a: 0, b: 0 };
          let prefix = 0;
          while (prefix < marked) {
            const taker = arrived[prefix]!;
            if (taker !== null && ++seen[taker] > done[taker]) break;
            prefix++;
          }
          const handled = (incoming.handled - start + 2 ** 32) % 2 ** 32;
          expect(handled).toBeLessThanOrEqual(prefix);
          if (marked === arrived.length && done.a === given.a && done.b === given.b) expect(handled).toBe(prefix);
          const within = arrived.slice(0, handled);
          for (const name of names)
            expect(incoming.numbers[name]).toBe(within.filter((taker) => taker === name).length);
        }
      }),
    );
  });

  it('numbers what does not count before what does', () => {
    const incoming = createIncoming({ count: 0, numbers: { a: 0, b: 0 } });
    incoming.extra('a');
    expect([incoming.given('a'), incoming.numbers]).toEqual([1, { a: 1, b: 0 }]);
    expect(incoming.arrived('a')).toBe(2);
    incoming.mark();
    incoming.done('a', 1);
    expect(incoming.handled).toBe(0);
    incoming.done('a', 2);
    expect([incoming.handled, incoming.numbers]).toEqual([1, { a: 2, b: 0 }]);
  });

  it('counts right after more batches than it keeps apart', () => {
    const incoming = createIncoming({ count: 0, numbers: { a: 0 } });
    for (let i = 0; i < 5000; i++) {
      incoming.arrived('a');
      incoming.mark();
    }
    incoming.done('a', 500);
    expect(incoming.handled).toBe(500);
    incoming.done('a', 4999);
    expect(incoming.handled).toBe(999);
    incoming.done('a', 5000);
    expect([incoming.handled, incoming.numbers]).toEqual([5000, { a: 5000 }]);
  });

  it('does not believe in what was never given', () => {
    const incoming = createIncoming({ count: 0, numbers: { a: 0 } });
    incoming.done('a', 50);
    incoming.arrived('a');
    incoming.mark();
    expect(incoming.handled).toBe(0);
    incoming.done('a', 50);
    expect(incoming.handled).toBe(1);
  });
});

describe('manners', () => {
  const idle = { open: 0, handled: 0, count: 0 };

  it('answers at once with what is dealt with, and once more when everything is', () => {
    const ackPolicy = createAckPolicy();
    expect(ackPolicy.due(idle, 0)).toEqual({ acknowledge: false, ask: false });
    ackPolicy.asked();
    expect(ackPolicy.due({ open: 0, handled: 1, count: 3 }, 0).acknowledge).toBe(true);
    expect(ackPolicy.due({ open: 0, handled: 1, count: 3 }, 1).acknowledge).toBe(false);
    expect(ackPolicy.due({ open: 0, handled: 3, count: 3 }, 2).acknowledge).toBe(true);
    expect(ackPolicy.due({ open: 0, handled: 3, count: 3 }, 9e9).acknowledge).toBe(false);
    ackPolicy.asked();
    expect(ackPolicy.due({ open: 0, handled: 3, count: 3 }, 9e9).acknowledge).toBe(true);
  });

  it('acknowledges unasked by count and by time', () => {
    const ackPolicy = createAckPolicy(2 ** 32 - 10);
    expect(ackPolicy.due({ open: 0, handled: 89, count: 90 }, 0).acknowledge).toBe(false);
    expect(ackPolicy.due({ open: 0, handled: 90, count: 90 }, 1).acknowledge).toBe(true);
    expect(ackPolicy.due({ open: 0, handled: 91, count: 91 }, 2).acknowledge).toBe(false);
    expect(ackPolicy.due({ open: 0, handled: 91, count: 91 }, 5001).acknowledge).toBe(false);
    expect(ackPolicy.due({ open: 0, handled: 91, count: 91 }, 5002).acknowledge).toBe(true);
  });

  it('asks by count and by time, and not again before the answer', () => {
    const ackPolicy = createAckPolicy();
    expect(ackPolicy.due({ ...idle, open: 1 }, 0).ask).toBe(false);
    expect(ackPolicy.due({ ...idle, open: 2 }, 999).ask).toBe(false);
    expect(ackPolicy.due({ ...idle, open: 2 }, 1000).ask).toBe(true);
    expect(ackPolicy.due({ ...idle, open: 200 }, 60_999).ask).toBe(false);
    ackPolicy.answered();
    expect(ackPolicy.due({ ...idle, open: 100 }, 65_000).ask).toBe(true);
    // Who has not answered for a minute is asked again.
    expect(ackPolicy.due({ ...idle, open: 100 }, 124_999).ask).toBe(false);
    expect(ackPolicy.due({ ...idle, open: 100 }, 125_000).ask).toBe(true);
    expect(ackPolicy.due({ ...idle, open: 100 }, 125_001).ask).toBe(false);
  });
});
