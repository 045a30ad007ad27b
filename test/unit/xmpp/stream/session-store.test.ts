import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { NOTHING_ANNOUNCED } from '../../../../lib/xmpp/stream/announced.ts';
import { openSessionStore, type SessionStore } from '../../../../lib/xmpp/stream/session-store.ts';
import { scratch } from '../../sys/scratch.ts';

const ME = 'me@x';
const fresh = (id: string | null = 'one') => ({
  jid: 'me@x/sj',
  managed: { resumed: false, h: 0, id, location: null },
  arrivedBefore: null,
  limits: NOTHING_ANNOUNCED,
});
const resumed = (h: number) => ({
  jid: 'me@x/sj',
  managed: { resumed: true, h, id: 'one', location: null },
  arrivedBefore: null,
  limits: NOTHING_ANNOUNCED,
});
const message = (id: string, time = Date.now(), type = 'chat') => ({
  bytes: Buffer.from(`<message id='${id}' to='bob@x' type='${type}'><body>${id}</body></message>`),
  time,
});
const texts = (stanzas: readonly { bytes: Buffer }[]) => stanzas.map(({ bytes }) => bytes.toString());

/** An account that begins a session of stream management. */
function begun(dir = scratch()): { dir: string; store: SessionStore } {
  const store = openSessionStore(dir, ME);
  store.begin(fresh());
  return { dir, store };
}

describe('a session that is resumed', () => {
  it('goes on by the next sj with what is not acknowledged, whether the last one could say goodbye or not', () => {
    for (const closed of [true, false]) {
      const { dir, store } = begun();
      store.sent([message('m1'), message('m2'), message('m3')]);
      store.acknowledged(1);
      store.incoming.arrived('messaged');
      store.incoming.arrived('presenced');
      store.incoming.mark();
      store.incoming.done('messaged', 1);
      store.wanted();
      expect(store.due(0)).toBe("<a xmlns='urn:xmpp:sm:3' h='0'/>");
      store.incoming.done('presenced', 1);
      expect(store.due(0)).toBe("<a xmlns='urn:xmpp:sm:3' h='2'/>");
      if (closed) store.close();

      const next = openSessionStore(dir, ME);
      expect(next.resume).toEqual({ id: 'one', jid: 'me@x/sj', h: 2 });
      // The acknowledgement of the second was lost with the connection.
      const { again, lost } = next.begin(resumed(2));
      expect(texts(again)).toEqual(texts([message('m3')]));
      expect(lost).toEqual([]);
      expect(next.incoming.numbers).toEqual({ messaged: 1, presenced: 1, iqd: 0 });
      next.sent([message('m4')]);
      next.acknowledged(4);
      expect(next.request()).toBe('');
    }
  });

  it('keeps what the server said had arrived when it was resumed', () => {
    const { dir, store } = begun();
    store.sent([message('m1'), message('m2')]);
    const second = openSessionStore(dir, ME);
    expect(texts(second.begin(resumed(1)).again)).toEqual(texts([message('m2')]));
    expect(texts(openSessionStore(dir, ME).begin(fresh('two')).again)).toEqual(texts([message('m2')]));
  });

  it('waits for an answer until iqd has dealt with it and the server need not give it again', () => {
    for (const closed of [true, false]) {
      const { dir, store } = begun();
      for (const id of ['a', 'b', 'c']) store.ask(id, 'bob@x');
      for (const id of ['a', 'b']) {
        store.answered(id);
        store.incoming.arrived('iqd');
        store.incoming.mark();
      }
      store.incoming.done('iqd', 1);
      store.wanted();
      expect(store.due(0)).toBe("<a xmlns='urn:xmpp:sm:3' h='1'/>");
      expect([...store.asked.keys()]).toEqual(['b', 'c']);
      if (closed) {
        store.incoming.done('iqd', 2);
        store.close();
      }
      expect([...openSessionStore(dir, ME).asked.keys()]).toEqual(closed ? ['c'] : ['b', 'c']);
    }
  });

  it('waits for the answer to a request that has the id of an earlier one', () => {
    const { dir, store } = begun();
    store.ask('a', 'bob@x');
    store.answered('a');
    store.incoming.arrived('iqd');
    store.incoming.mark();
    store.ask('a', 'eve@x');
    store.incoming.done('iqd', 1);
    store.close();
    expect([...openSessionStore(dir, ME).asked]).toEqual([['a', 'eve@x']]);
  });

  it('does not believe in more than was sent', () => {
    const { dir, store } = begun();
    store.sent([message('m1')]);
    expect(() => store.acknowledged(2)).toThrow(/acknowledges 2 stanzas, more than it was sent/);
    expect(() => openSessionStore(dir, ME).begin(resumed(2))).toThrow(/more than it was sent/);
    // The next session is a new one, and nothing is lost by that.
    const next = openSessionStore(dir, ME);
    expect(next.resume).toBeNull();
    expect(texts(next.begin(fresh('two')).again)).toEqual(texts([message('m1')]));
  });

  it('is that of the same account only, and so is what was to be said', () => {
    for (const id of ['one', null]) {
      const dir = scratch();
      const store = openSessionStore(dir, ME);
      store.begin(fresh(id));
      store.sent([message('m1')]);
      store.ask('q1', 'bob@x');
      const eve = openSessionStore(dir, 'eve@x');
      expect([eve.resume, eve.asked.size]).toEqual([null, 0]);
      expect(eve.begin(fresh('two'))).toEqual({ again: [], lost: [] });
    }
  });

  it('is not there if the server will not keep it, or it is over', () => {
    const dir = scratch();
    openSessionStore(dir, ME).begin(fresh(null));
    expect(openSessionStore(dir, ME).resume).toBeNull();
    const { store } = begun(dir);
    store.over();
    store.close();
    expect(openSessionStore(dir, ME).resume).toBeNull();
    expect(fs.readdirSync(dir)).toEqual(['.queue']);
  });

  it('goes on behind what came before it began to count', () => {
    const { dir, store } = begun();
    store.extra('messaged');
    expect(openSessionStore(dir, ME).begin(resumed(0))).toEqual({ again: [], lost: [] });
    const next = openSessionStore(dir, ME);
    next.begin(resumed(0));
    expect(next.incoming.arrived('messaged')).toBe(2);
  });
});

describe('a session that cannot be resumed', () => {
  it('leaves messages to be sent again, in order, with the time when they were said', () => {
    const { dir, store } = begun();
    const old = Date.now() - 3_600_000;
    store.sent([
      message('m1', old),
      { bytes: Buffer.from('<presence><status>x</status></presence>'), time: old },
      { bytes: Buffer.from("<iq type='get' id='q'/>"), time: old },
      message('r1', old, 'groupchat'),
      message('r2', undefined, 'groupchat'),
      message('m2'),
    ]);
    const next = openSessionStore(dir, ME);
    const { again, lost } = next.begin({ ...fresh('two'), arrivedBefore: null });
    expect(texts(again)).toEqual([
      texts([message('m1')])[0]!.replace(
        '</message>',
        `<delay xmlns='urn:xmpp:delay' stamp='${new Date(old).toISOString()}'/></message>`,
      ),
      ...texts([message('r2', 0, 'groupchat'), message('m2')]),
    ]);
    expect(texts(lost)).toEqual(texts([message('r1', 0, 'groupchat')]));

    // They count in the new session, and survive its end.
    const third = openSessionStore(dir, ME);
    expect(third.resume?.id).toBe('two');
    expect(third.begin({ ...resumed(1), managed: { ...resumed(1).managed, id: 'two' } }).again).toHaveLength(2);
  });

  it('believes the server that tells how much had arrived', () => {
    const { dir, store } = begun();
    store.sent([message('m1'), message('m2')]);
    const { again } = openSessionStore(dir, ME).begin({ ...fresh('two'), arrivedBefore: 1 });
    expect(texts(again)).toEqual(texts([message('m2')]));
  });

  it('leaves questions without an answer', () => {
    const { dir, store } = begun();
    store.ask('q1', 'bob@x/phone');
    store.ask('q2', 'x');
    store.answered('q2');
    store.incoming.arrived('iqd');
    store.incoming.mark();
    store.incoming.done('iqd', 1);
    store.wanted();
    store.due(0);
    const next = openSessionStore(dir, ME);
    expect([...next.asked]).toEqual([['q1', 'bob@x/phone']]);
    next.begin(fresh('two'));
    expect(openSessionStore(dir, ME).asked.size).toBe(0);
  });
});

it('knows what was sent by an earlier sj, also after the ledger was written anew', () => {
  const { dir, store } = begun();
  store.sent([message('m1')]);
  store.acknowledged(1);
  const large = { bytes: Buffer.from(`<message id='large'><body>${'x'.repeat(400_000)}</body></message>`), time: 1 };
  for (let i = 0; i < 4; i++) {
    store.sent([large]);
    store.acknowledged(2 + i);
  }
  expect(fs.statSync(path.join(dir, '.queue')).size).toBeLessThan(900_000);
  const next = openSessionStore(dir, ME);
  expect([next.taken('m1'), next.taken('large'), next.taken('m2')]).toEqual([true, true, false]);
});

it('makes local programs wait when too much is not acknowledged', () => {
  const { store } = begun();
  const many = Array.from({ length: 5000 }, (_, i) => message(`m${i}`));
  store.sent(many.slice(1));
  expect(store.full).toBe(false);
  store.sent(many.slice(0, 1));
  expect(store.full).toBe(true);
  expect(store.due(0)).toBe("<r xmlns='urn:xmpp:sm:3'/>");
  store.acknowledged(1);
  expect(store.full).toBe(false);
});

it('keeps nothing where the server manages no streams', () => {
  const dir = scratch();
  const store = openSessionStore(dir, ME);
  store.begin({ jid: 'me@x/sj', managed: null, arrivedBefore: null, limits: NOTHING_ANNOUNCED });
  store.sent([message('m1')]);
  let told = false;
  store.kept(() => {
    told = true;
  });
  expect([told, store.due(9e9), store.pending]).toEqual([true, '', false]);
  expect(fs.readFileSync(path.join(dir, '.queue'), 'utf8')).toBe('');
});

it('tells who connects where the server would like to be found', () => {
  const dir = scratch();
  const store = openSessionStore(dir, ME);
  store.begin({ ...fresh(), managed: { ...fresh().managed, location: '[2001:db8::1]:5222' } });
  expect(JSON.parse(fs.readFileSync(path.join(dir, '.session'), 'utf8'))).toEqual({
    account: ME,
    location: '[2001:db8::1]:5222',
  });
  store.over();
  expect(fs.existsSync(path.join(dir, '.session'))).toBe(false);
});

it('says what is wrong with its file', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, '.queue'));
  expect(() => openSessionStore(dir, ME)).toThrow(`cannot open ${path.join(dir, '.queue')}`);
});

it('does not send again what this server will not take', () => {
  const dir = scratch();
  const store = openSessionStore(dir, ME);
  store.begin(fresh());
  store.sent([message('short'), message('long'.padEnd(3000, '.'))]);
  store.close();
  const next = openSessionStore(dir, ME);
  const { again, lost } = next.begin({ ...fresh('two'), limits: { ...NOTHING_ANNOUNCED, bytes: 1000 } });
  expect(texts(again)).toEqual([expect.stringContaining('short')]);
  expect(texts(lost)).toEqual([expect.stringContaining('long...')]);
  next.close();
});

const large = (name: string, dir: string) => fs.statSync(path.join(dir, name)).size;

it('keeps its file small on an account that only receives', () => {
  const { dir, store } = begun();
  for (let i = 1; i <= 40_000; i++) {
    store.incoming.arrived('messaged');
    store.incoming.mark();
    store.incoming.done('messaged', i);
    store.wanted();
    store.due(i);
  }
  expect(large('.queue', dir)).toBeLessThan(1_200_000);
  expect(openSessionStore(dir, ME).resume?.h).toBe(40_000);
});

it('writes nothing when the server asks for what it knows', () => {
  const { dir, store } = begun();
  store.wanted();
  store.due(0);
  const before = large('.queue', dir);
  for (let i = 0; i < 100; i++) {
    store.wanted();
    expect(store.due(i)).toBe("<a xmlns='urn:xmpp:sm:3' h='0'/>");
  }
  expect(large('.queue', dir)).toBe(before);
});

it('has a name of its own for each session, whatever id the server gives it', () => {
  const { dir, store } = begun();
  const next = openSessionStore(dir, ME);
  next.begin(resumed(0));
  expect(next.name).toBe(store.name);
  const other = openSessionStore(dir, ME);
  other.begin(fresh('one'));
  expect(other.name).not.toBe(store.name);
});

it('goes on with a session that an earlier version has begun, and rewrites its file', () => {
  const dir = scratch();
  const file = path.join(dir, '.queue');
  const out = texts([message('m1')])[0];
  const session = JSON.stringify({ account: ME, id: 'one', jid: 'me@x/sj' });
  fs.writeFileSync(file, `session ${session}\nbase 3\nin 2 {"messaged":1,"presenced":1,"iqd":0}\nout 1 ${out}\n`);
  const store = openSessionStore(dir, ME);
  expect(fs.readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{8} session /);
  expect(store.resume).toEqual({ id: 'one', jid: 'me@x/sj', h: 2 });
  expect(texts(store.begin(resumed(3)).again)).toEqual([out]);
  // The daemons know it by the id.
  expect(store.name).toBe('one');
});

describe('a line that is spoilt', () => {
  const session = JSON.stringify({ account: ME, id: 'one', jid: 'me@x/sj' });

  it.each(['<message', '<message a:b=x/>', '', '\0\0\0', '<message/><'])(
    'costs itself and the resumption, in the file of an earlier version: %j',
    (spoilt) => {
      const dir = scratch();
      const [one, two] = texts([message('m1'), message('m2')]);
      const content = `session ${session}\nbase 0\nout 1 ${one}\nout 2 ${spoilt}\nout 3 ${two}\n`;
      fs.writeFileSync(path.join(dir, '.queue'), content);
      const warnings: string[] = [];
      const store = openSessionStore(dir, ME, (message) => warnings.push(message));
      expect(store.resume).toBeNull();
      expect(store.begin(fresh('two')).again).toHaveLength(2);
      expect(warnings).toEqual([expect.stringContaining('left out 1 spoilt lines')]);
      expect(fs.readFileSync(path.join(dir, '.queue.spoilt'), 'utf8')).toBe(content);
      openSessionStore(dir, ME, (message) => warnings.push(message));
      expect(warnings).toHaveLength(1);
    },
  );

  it('costs itself and the resumption, whichever it is', () => {
    const { dir, store } = begun();
    store.sent([message('m1')]);
    store.sent([message('m2')]);
    store.close();
    const file = path.join(dir, '.queue');
    const whole = fs.readFileSync(file);
    for (let at = 0; at < whole.length; at += 7) {
      const spoilt = Buffer.from(whole);
      spoilt[at] = spoilt[at]! ^ 0x10;
      fs.writeFileSync(file, spoilt);
      const warnings: string[] = [];
      const next = openSessionStore(dir, ME, (message) => warnings.push(message));
      if (warnings.length > 0) expect(next.resume).toBeNull();
      expect(next.begin(fresh('two')).again.length).toBeGreaterThan(0);
      next.close();
    }
  });
});

describe('a session that can not be resumed', () => {
  it('is given up after three attempts in a row without an answer, and what is unacked is sent again', () => {
    const { dir, store } = begun();
    store.sent([message('m1')]);
    store.close();
    for (let attempt = 0; attempt < 3; attempt++) {
      const next = openSessionStore(dir, ME);
      expect(next.resume).toMatchObject({ id: 'one' });
      next.resuming();
      next.close();
    }
    const last = openSessionStore(dir, ME);
    expect(last.resume).toBeNull();
    expect(texts(last.begin(fresh('two')).again)).toEqual(texts([message('m1')]));
    last.close();
    expect(openSessionStore(dir, ME).resume).toMatchObject({ id: 'two' });
  });

  it('is given up at once when the server answers with another one', () => {
    const { dir, store } = begun();
    store.close();
    const next = openSessionStore(dir, ME);
    next.resuming();
    next.unresumable();
    next.close();
    expect(openSessionStore(dir, ME).resume).toBeNull();
  });

  it('may fail to be resumed now and then', () => {
    const { dir, store } = begun();
    store.close();
    for (let attempt = 0; attempt < 6; attempt++) {
      const next = openSessionStore(dir, ME);
      expect(next.resume).toMatchObject({ id: 'one' });
      next.resuming();
      if (attempt % 2 === 1) next.begin(resumed(0));
      next.close();
    }
  });
});

describe('what the server could not know to have arrived', () => {
  const arrive = (store: SessionStore, count: number) => {
    for (let i = 0; i < count; i++) store.incoming.arrived('messaged');
    store.incoming.mark();
    store.incoming.done('messaged', store.incoming.given('messaged'));
  };
  const acknowledge = (store: SessionStore) => {
    store.wanted();
    expect(store.due(0)).toContain('<a ');
  };

  it.each([true, false])('is counted for the next session, whether sj could end or not: %o', (closed) => {
    const { dir, store } = begun();
    arrive(store, 3);
    acknowledge(store);
    arrive(store, 2);
    const { name } = store;
    if (closed) store.close();
    const next = openSessionStore(dir, ME);
    next.begin(fresh('two'));
    expect(next.past).toEqual({ name, acked: 3 });
    // It is over with that session.
    next.close();
    const last = openSessionStore(dir, ME);
    last.begin(fresh('three'));
    expect(last.past).toEqual({ name: next.name, acked: 0 });
  });

  it('is nothing once the session has been resumed', () => {
    const { dir, store } = begun();
    arrive(store, 3);
    store.close();
    const next = openSessionStore(dir, ME);
    next.begin(resumed(0));
    next.close();
    const last = openSessionStore(dir, ME);
    last.begin(fresh('two'));
    expect(last.past).toMatchObject({ acked: 3 });
  });
});
