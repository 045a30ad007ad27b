import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Resource } from '../../../lib/presence/model.ts';
import { createResources } from '../../../lib/presence/resources.ts';

const at = (priority: number, status = '', occupant = false): Resource => ({
  show: 'online',
  status,
  priority,
  occupant,
});
const BOB = 'bob@example.org';
const ROOM = 'room@rooms.example.org';

describe('createResources', () => {
  it('shows the highest priority, then the newest', () => {
    const r = createResources();
    expect(r.best(BOB)).toBeNull();
    r.set(BOB, 'phone', at(0, 'phone'));
    r.set(BOB, 'desk', at(5, 'desk'));
    r.set(BOB, 'pad', at(0, 'pad'));
    expect(r.best(BOB)?.status).toBe('desk');
    r.set(BOB, 'desk', at(-1, 'desk'));
    expect(r.best(BOB)?.status).toBe('pad');
    r.set(BOB, 'phone', at(0, 'phone again'));
    expect(r.best(BOB)?.status).toBe('phone again');
    r.remove(BOB, 'phone');
    r.remove(BOB, 'pad');
    expect(r.best(BOB)?.status).toBe('desk');
    r.remove(BOB, 'desk');
    expect(r.best(BOB)).toBeNull();
  });

  it('knows a bare JID as a resource of its own, and removes all at once', () => {
    const r = createResources();
    r.set('icq.example.org', '', at(0, 'gateway'));
    expect(r.best('icq.example.org')?.status).toBe('gateway');
    r.set(BOB, 'a', at(0));
    r.set(BOB, 'b', at(0));
    r.removeAll(BOB);
    expect(r.best(BOB)).toBeNull();
    expect(r.count(BOB)).toBe(0);
    expect(r.count('icq.example.org')).toBe(1);
  });

  it('keeps texts of a bounded size, and of strangers less', () => {
    const r = createResources(64, 20_000, { all: 100_000, strangers: 50_000 });
    const fill = (stranger: boolean) => {
      let kept = 0;
      for (let i = 0; i < 1000; i++)
        if (r.set(`${stranger}${i}@x`, 'r', at(0, 's'.repeat(100)), false, () => stranger)) kept++;
      return kept;
    };
    const strangers = fill(true);
    expect(strangers).toBeGreaterThan(90);
    expect(strangers).toBeLessThan(100);
    expect(fill(false)).toBeGreaterThanOrEqual(strangers);
    // What has gone makes room, by whatever way.
    r.removeAll('true0@x');
    r.remove('true1@x', 'r');
    r.set('true2@x', 'r', at(0));
    expect(r.set('bob@x', 'r', at(0, 's'.repeat(100)))).toBe(true);
    expect(r.set('bob@x', 'r2', at(0, 's'.repeat(100)))).toBe(true);
    // What does not fit any more is not there as it was, either.
    expect(r.set('bob@x', 'r', at(0, 's'.repeat(100_000)))).toBe(false);
    expect(r.count('bob@x')).toBe(1);
  });

  it('keeps so many contacts and no more', () => {
    const r = createResources(64, 2);
    expect(['a@x', 'b@x', 'c@x', 'a@x'].map((jid) => r.set(jid, 'r', at(0)))).toEqual([true, true, false, true]);
    r.remove('a@x', 'r');
    expect(r.set('c@x', 'r', at(0))).toBe(true);
    expect(r.best('c@x')).not.toBeNull();
  });

  it('keeps contacts apart whose JIDs begin alike', () => {
    const r = createResources();
    r.set('a@x.co', 'r', at(0));
    expect(r.best('a@x.com')).toBeNull();
    r.remove('a@x.com', 'r');
    expect(r.best('a@x.co')).not.toBeNull();
  });

  it('forgets the oldest beyond the limit, but never our own occupant of a room', () => {
    const r = createResources(3);
    r.set(ROOM, 'me', at(0, '', true), true);
    for (let i = 0; i < 5000; i++) r.set(ROOM, `nick${i}`, at(0, '', true));
    expect(r.count(ROOM)).toBe(3);
    r.remove(ROOM, 'nick4999');
    r.remove(ROOM, 'nick4998');
    expect(r.count(ROOM)).toBe(1);
    expect(r.best(ROOM)).not.toBeNull();
    r.remove(ROOM, 'me');
    expect(r.best(ROOM)).toBeNull();
    for (let i = 0; i < 4; i++) r.set(BOB, `r${i}`, at(4 - i, `r${i}`));
    expect(r.best(BOB)?.status).toBe('r1');
  });

  it('agrees with a plain list that is searched each time', () => {
    const jid = fc.constantFrom('a@x', 'b@x');
    const name = fc.constantFrom('', 'r1', 'r2', 'r3', 'r4', '__proto__');
    const step = fc.oneof(
      fc.record({ op: fc.constant('set' as const), jid, name, priority: fc.integer({ min: -2, max: 2 }) }),
      fc.record({ op: fc.constant('remove' as const), jid, name }),
      fc.record({ op: fc.constant('removeAll' as const), jid }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const limit = 4;
        const r = createResources(limit);
        let model: { jid: string; name: string; priority: number; at: number }[] = [];
        steps.forEach((s, i) => {
          if (s.op === 'removeAll') {
            r.removeAll(s.jid);
            model = model.filter((m) => m.jid !== s.jid);
            return;
          }
          model = model.filter((m) => m.jid !== s.jid || m.name !== s.name);
          if (s.op === 'remove') {
            r.remove(s.jid, s.name);
            return;
          }
          r.set(s.jid, s.name, at(s.priority, String(i)));
          model.push({ jid: s.jid, name: s.name, priority: s.priority, at: i });
          const its = model.filter((m) => m.jid === s.jid);
          if (its.length > limit) model = model.filter((m) => m !== its[0]);
        });
        for (const who of ['a@x', 'b@x']) {
          const its = model.filter((m) => m.jid === who).sort((a, b) => b.priority - a.priority || b.at - a.at);
          expect(r.count(who)).toBe(its.length);
          expect(r.best(who)?.status).toBe(its[0] === undefined ? undefined : String(its[0].at));
        }
      }),
    );
  });
});
