import { expect, it } from 'vitest';
import type { LocalPrograms } from '../../../../lib/xmpp/stream/local-programs.ts';
import { createSender } from '../../../../lib/xmpp/stream/sender.ts';
import type { SessionStore } from '../../../../lib/xmpp/stream/session-store.ts';

/** A sender whose disk does as it is told. */
function bed(managed = true) {
  const wire: string[] = [];
  const told: string[] = [];
  const warned: string[] = [];
  const syncs: ((error: Error | null) => void)[] = [];
  let lines: string[] = [];
  let owed = '';
  const store = {
    managed,
    pending: false,
    full: false,
    sent() {},
    kept: (done: (error: Error | null) => void) => void (managed ? syncs.push(done) : done(null)),
    due() {
      const what = owed;
      owed = '';
      return what;
    },
  } as unknown as SessionStore;
  const localPrograms = {
    hasUnconfirmed: false,
    take() {
      const taken = Buffer.from(lines.join(''));
      lines = [];
      return taken.length === 0 ? null : taken;
    },
    taken: () => () => void told.push('told'),
    flush: () => true,
    flow() {},
  } as unknown as LocalPrograms;
  const sender = createSender({
    write: (data) => {
      wire.push(data.toString());
      return true;
    },
    alive: () => true,
    localPrograms,
    store,
    guard: (work) => work(),
    trace() {},
    say: { warn: (text) => void warned.push(text), info() {}, fatal() {} },
  });
  return {
    sender,
    wire,
    told,
    warned,
    sync: (error: Error | null = null) => syncs.shift()!(error),
    say: (line: string) => void lines.push(line),
    owe: (what: string) => {
      owed = what;
    },
  };
}

it('sends what outlives a power failure, in order, and tells then', () => {
  const { sender, wire, told, sync, say, owe } = bed();
  say('<one/>');
  owe('<a/>');
  sender.batch();
  sender.stanza('<ping/>');
  sender.text('<r/>');
  expect([wire, told]).toEqual([[], []]);
  sync();
  expect([wire, told]).toEqual([['<one/>'], ['told']]);
  sync();
  expect(wire).toEqual(['<one/>', '<a/>']);
  sync();
  expect(wire).toEqual(['<one/>', '<a/>', '<ping/>', '<r/>']);
  sender.text('<now/>');
  expect(wire.at(-1)).toBe('<now/>');
});

it('sends what cannot be kept, because it counts, but tells nobody', () => {
  const { sender, wire, told, warned, sync, say } = bed();
  say('<one/>');
  sender.batch();
  sync(new Error('EIO: i/o error, fdatasync'));
  expect([wire, told, warned]).toEqual([['<one/>'], [], ['cannot keep what is sent: i/o error']]);
});

it('waits for nothing more when the stream is about to end', () => {
  const { sender, wire, told, sync, say } = bed();
  sender.gate();
  sender.text('<again/>');
  say('<one/>');
  sender.batch();
  sender.last('</stream:stream>');
  expect(wire).toEqual(['<again/>', '<one/>', '</stream:stream>']);
  sync();
  expect(told).toEqual([]);
  sync();
  expect([wire.length, told]).toEqual([3, ['told']]);
});

it('waits for nothing where nothing is kept', () => {
  const { sender, wire, told, say } = bed(false);
  say('<one/>');
  sender.batch();
  expect([wire, told]).toEqual([['<one/>'], ['told']]);
});
