import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createConversation } from '../../../lib/chat/conversation.ts';
import type { OutgoingFrame } from '../../../lib/chat/outbox.ts';
import { ensureContact } from '../../../lib/tree/contact.ts';
import type { LogRecord } from '../../../lib/tree/log.ts';
import { writeFriends } from '../../../lib/tree/newcomers.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { xmppBackEnd } from '../../../lib/xmpp/back-end.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../lib/xmpp/limits.ts';
import { scratch } from '../sys/scratch.ts';

const OWN = 'me@example.org';
const NS = `xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'`;

function talking(dir = scratch(), limits?: Limits, rooms = new Map([['r@c', 'me']])) {
  const out: string[] = [];
  const log: (LogRecord & { contact: string })[] = [];
  const events: string[] = [];
  const stanzas: OutgoingFrame[] = [];
  const warnings: string[] = [];
  const conversation = createConversation({
    dir,
    codec: xmppBackEnd(DEFAULT_LIMITS),
    own: OWN,
    rooms,
    stamp: 'T',
    journal: {
      add(contact, lines, records) {
        out.push(
          ...lines
            .split('\n')
            .slice(0, -1)
            .map((line) => `${contact}: ${line}`),
        );
        if (records !== '') log.push({ contact, ...JSON.parse(records) });
      },
      event: (type, contact, detail) => events.push(`${type} ${contact} ${detail}`),
    },
    send: (frame) => void stanzas.push(frame),
    has: (jid) => fs.existsSync(path.join(dir, jid)),
    open: (jid) => ensureContact(dir, jid) !== '',
    soon() {},
    ...(limits !== undefined && { limits }),
    warn: (message) => warnings.push(message),
  });
  return {
    dir,
    out,
    log,
    events,
    stanzas,
    warnings,
    conversation,
    hear: (stanza: string) => conversation.take(parseElement(stanza)),
    /** Writes a line, which the other side takes. */
    say(jid: string, line: string, error: Error | null = null) {
      conversation.line(jid, Buffer.from(line));
      return stanzas.splice(0).map(({ intent, frame }) => {
        conversation.fate(intent, error === null ? null : 'offline');
        return parseElement(frame);
      });
    },
    contacts: () => fs.readdirSync(dir).filter((name) => name !== 'events'),
  };
}

it('writes down what somebody says, in a directory of theirs', () => {
  const t = talking();
  t.hear(`<message from='Bob@x/phone' to='${OWN}/r' type='chat' id='1'><body>hi\nthere</body></message>`);
  expect(t.out).toEqual(['bob@x: T <bob@x/phone> hi', 'bob@x: T <bob@x/phone> there']);
  expect(t.log).toEqual([
    {
      contact: 'bob@x',
      time: expect.any(String),
      dir: 'in',
      from: 'Bob@x/phone',
      to: `${OWN}/r`,
      type: 'chat',
      id: '1',
      body: 'hi\nthere',
    },
  ]);
  expect(t.events).toEqual(['message bob@x hi']);
  expect(t.contacts()).toEqual(['bob@x']);
});

it('makes neither a line nor a directory of what says nothing', () => {
  const t = talking();
  for (const inner of [
    '',
    '<body/>',
    `<active xmlns='http://jabber.org/protocol/chatstates'/>`,
    '<subject/>',
    `<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>`,
    `<received xmlns='urn:xmpp:receipts' id='1'/>`,
  ]) {
    t.hear(`<message from='bob@x/phone' type='chat'>${inner}</message>`);
    t.hear(`<message from='r@c/n' type='groupchat'>${inner}</message>`);
  }
  t.hear(`<presence from='bob@x'><body>x</body></presence>`);
  t.hear(`<message xmlns='urn:other' from='bob@x'><body>x</body></message>`);
  expect([t.out, t.log, t.events, t.contacts()]).toEqual([[], [], [], []]);
});

it('keeps apart contacts that begin alike', () => {
  const t = talking();
  t.hear(`<message from='a@x.com/r'><body>com</body></message>`);
  t.hear(`<message from='a@x.co/r'><body>co</body></message>`);
  expect(t.out).toEqual(['a@x.com: T <a@x.com/r> com', 'a@x.co: T <a@x.co/r> co']);
});

it('reads headlines and normal messages', () => {
  const t = talking();
  t.hear(`<message from='news.x' type='headline'><subject>s</subject><body>a</body></message>`);
  t.hear(`<message from='bob@x'><body>b</body></message>`);
  expect(t.out).toEqual(['news.x: T -!- news.x: subject: s', 'news.x: T <news.x> a', 'bob@x: T <bob@x> b']);
  expect(t.log[0]).toMatchObject({ type: 'headline', subject: 's' });
});

it('writes when something was said, and in the log when it came', () => {
  const t = talking();
  const delay = `<delay xmlns='urn:xmpp:delay' stamp='2020-01-02T03:04:05Z'/>`;
  t.hear(`<message from='bob@x'><body>late</body>${delay}</message>`);
  expect(t.log[0]).toMatchObject({ time: '2020-01-02T03:04:05.000Z', received: expect.stringMatching(/^20/) });
});

it('names in a room who speaks, and knows the room again', () => {
  const t = talking();
  t.hear(`<message from='r@c/two words' type='groupchat'><body>hi</body></message>`);
  t.hear(`<message from='r@c' type='groupchat'><body>This room is logged</body></message>`);
  t.hear(`<message from='r@c/nick' type='chat'><body>psst</body></message>`);
  expect(t.out).toEqual(['r@c: T <two_words> hi', 'r@c: T -!- This room is logged', 'r@c: T <r@c/nick> psst']);
  expect(t.say('r@c', 'hello')[0]!.attrs).toMatchObject({ type: 'groupchat', to: 'r@c' });
  // The room sends it back; so it is not shown twice.
  expect(t.out).toHaveLength(3);
  expect(t.log.at(-1)).toMatchObject({ dir: 'out', type: 'groupchat', body: 'hello' });
});

it('takes nobody for a room that we are not in, whatever type he sends', () => {
  const rooms = new Map<string, string>();
  const t = talking(scratch(), undefined, rooms);
  const say = (from: string, body: string) =>
    t.hear(`<message from='${from}' type='groupchat'><body>${body}</body></message>`);
  say(`bob@x/${OWN}`, 'I owe you 1000');
  say('bob@x', 'not sent (offline): call me');
  fs.appendFileSync(path.join(t.dir, 'bob@x', 'log'), '{"time":"t","dir":"in","type":"groupchat","body":"x"}\n');
  expect(t.out).toEqual([`bob@x: T <bob@x/${OWN}> I owe you 1000`, 'bob@x: T <bob@x> not sent (offline): call me']);
  expect(t.log[0]).toMatchObject({ type: 'groupchat', dir: 'in' });
  expect(t.say('bob@x', 'what?')[0]!.attrs.type).toBe('chat');
  // In a room and out of it again.
  rooms.set('bob@x', 'me');
  expect(t.say('bob@x', 'all')[0]!.attrs.type).toBe('groupchat');
  rooms.delete('bob@x');
  expect(t.say('bob@x', 'he')[0]!.attrs.type).toBe('chat');
});

it('shows what a room gives back once, and makes no event of it', () => {
  const t = talking();
  t.say('r@c', 'hello');
  t.hear(`<message from='r@c/me' type='groupchat'><body>hello</body></message>`);
  t.hear(`<message from='r@c/you' type='groupchat'><body>hello yourself</body></message>`);
  expect(t.out).toEqual(['r@c: T <me> hello', 'r@c: T <you> hello yourself']);
  expect(t.events).toEqual(['message r@c hello yourself']);
});

it('makes no event of own lines in the history of a room', () => {
  const t = talking();
  const old = "<delay xmlns='urn:xmpp:delay' stamp='2024-01-01T00:00:00Z'/>";
  for (const nick of ['me', 'you'])
    t.hear(`<message from='r@c/${nick}' type='groupchat'><body>I am ${nick}</body>${old}</message>`);
  expect(t.out).toEqual(['r@c: T <me> I am me', 'r@c: T <you> I am you']);
  expect(t.events).toEqual(['message r@c I am you']);
});

it('a line has the time at which it was written, however late it is taken', () => {
  const t = talking();
  const before = Date.now();
  t.conversation.line('bob@x', Buffer.from('hi'));
  const after = Date.now();
  const [{ intent }] = t.stanzas as [OutgoingFrame];
  expect(intent.time).toBeGreaterThanOrEqual(before);
  expect(intent.time).toBeLessThanOrEqual(after);
  t.conversation.fate({ ...intent, time: 1_000_000_000_000 }, null);
  expect(t.log[0]!.time).toBe('2001-09-09T01:46:40.000Z');
});

it('shows the own line when it has been taken, not before', () => {
  const t = talking();
  t.conversation.line('bob@x', Buffer.from('hi'));
  expect([t.out, t.log]).toEqual([[], []]);
  const [{ intent, frame }] = t.stanzas as [OutgoingFrame];
  t.conversation.fate(intent, null);
  expect(t.out).toEqual([`bob@x: T <${OWN}> hi`]);
  const { id } = parseElement(frame).attrs;
  expect(t.log).toEqual([
    { contact: 'bob@x', time: expect.any(String), dir: 'out', from: OWN, to: 'bob@x', type: 'chat', id, body: 'hi' },
  ]);
});

it('answers what could not be sent', () => {
  const t = talking();
  t.say('bob@x', 'one\u2028two', new Error('sj is not running'));
  expect(t.out).toEqual(['bob@x: T -!- not sent (offline): one', 'bob@x: T -!- two']);
  expect(t.log[0]).toMatchObject({ dir: 'refused', reason: 'offline', body: 'one\ntwo', to: 'bob@x' });
  expect(t.events).toEqual(['error bob@x not sent: offline']);

  t.conversation.line('bob@x', Buffer.from([0x61, 0xff]));
  expect(t.out.at(-1)).toBe('bob@x: T -!- not sent (not UTF-8): a\ufffd');
  expect(t.log.at(-1)).toMatchObject({ dir: 'refused', bytes: 'Yf8=' });

  t.conversation.line('bob@x', Buffer.from('a\u0001b'));
  expect(t.out.at(-1)).toMatch(/not sent \(.*cannot carry\): a\ufffdb$/);
  expect(t.log.at(-1)).toMatchObject({ body: 'a\u0001b' });

  t.conversation.line('bob@x', Buffer.from('x'.repeat(300_000)));
  expect(t.out.at(-1)).toBe(`bob@x: T -!- not sent (too long: 300000 bytes): ${'x'.repeat(100)}…`);
  expect(t.log.at(-1)!.body).toHaveLength(300_000);

  t.conversation.tooLong('bob@x', Buffer.from('head'), 2_000_000);
  expect(t.out.at(-1)).toBe('bob@x: T -!- not sent (too long: 2000000 bytes): head');
  expect(t.log.at(-1)).toMatchObject({ bytes: 'aGVhZA==', length: 2_000_000 });
  expect(t.stanzas).toEqual([]);
});

it('says nothing of an empty line', () => {
  const t = talking();
  expect(t.say('bob@x', '')).toEqual([]);
  expect([t.out, t.log, t.events]).toEqual([[], [], []]);
});

it('tells of what came back, where there was something to come back', () => {
  const t = talking();
  const bounce = (from: string, text: string) =>
    `<message from='${from}' type='error' id='7'><body>my words</body><error type='cancel'><service-unavailable ${NS}/>${text}</error></message>`;
  t.hear(bounce('eve@x/r', ''));
  expect([t.out, t.log, t.contacts()]).toEqual([[], [], []]);
  expect(t.events).toEqual(['error eve@x not delivered: service-unavailable']);

  fs.mkdirSync(path.join(t.dir, 'bob@x'));
  t.hear(bounce('bob@x', ''));
  t.hear(bounce('bob@x', `<text ${NS}>gone\nfishing</text>`));
  expect(t.out).toEqual([
    'bob@x: T -!- not delivered (service-unavailable): my words',
    'bob@x: T -!- not delivered (service-unavailable): gone',
  ]);
  expect(t.log[1]).toMatchObject({
    dir: 'error',
    type: 'error',
    id: '7',
    reason: 'service-unavailable: gone\nfishing',
    body: 'my words',
  });
});

it('loses a message rather than write through a link, and says so once', () => {
  const t = talking();
  fs.mkdirSync(path.join(t.dir, '.outside'));
  fs.symlinkSync('.outside', path.join(t.dir, 'bob@x'));
  for (const body of ['a', 'b']) t.hear(`<message from='bob@x'><body>${body}</body></message>`);
  expect(t.warnings).toEqual([expect.stringContaining('not a directory')]);
  t.conversation.close();
  expect(t.events).toEqual([
    expect.stringMatching(/^error bob@x a message is lost/),
    expect.stringMatching(/^error bob@x a message is lost.*and 1 times more/),
  ]);
  expect([t.out, t.log, fs.readdirSync(path.join(t.dir, '.outside'))]).toEqual([[], [], []]);
});

it('has no place for what comes from no JID', () => {
  const t = talking();
  t.hear(`<message from='../../x y'><body>x</body></message>`);
  expect(t.events).toEqual(['error  a message from what is not an address: ../../x y']);
  expect([t.out, t.contacts()]).toEqual([[], []]);
});

it('takes so much from a stranger and no more, and tells once', () => {
  const t = talking(scratch(), { ...DEFAULT_LIMITS, flood: 100 });
  const said = (from: string, id: string, type = 'chat') =>
    t.hear(`<message from='${from}' type='${type}' id='${id}'><body>${'x'.repeat(40_000)}</body></message>`);
  for (let i = 0; i < 20; i++) said('eve@x/r', `${i}`);
  const passed = t.log.length;
  expect(passed).toBe(3);
  expect(t.out.filter((line) => line.includes('-!-'))).toEqual([
    'eve@x: T -!- messages are dropped: more than 100 bytes a second',
  ]);
  expect(t.events.filter((event) => event.startsWith('error'))).toEqual([
    'error eve@x messages are dropped: more than 100 bytes a second',
  ]);
  // Others are not touched by that, nor is she once somebody has written to her.
  said('bob@x/r', 'b');
  t.say('eve@x', 'what is it?');
  said('eve@x/r', 'again');
  expect(t.log.filter(({ dir }) => dir === 'in')).toHaveLength(passed + 2);
  t.conversation.close();
  expect(t.out.at(-1)).toMatch(/^eve@x: T -!- messages are dropped: .* \(and 16 times more in \d s\)$/);
});

it('lets a room say more', () => {
  const t = talking(scratch(), { ...DEFAULT_LIMITS, flood: 100 }, new Map([['r@x', 'me']]));
  for (let i = 0; i < 100; i++)
    t.hear(`<message from='r@x/n' type='groupchat'><body>${'x'.repeat(40_000)}</body></message>`);
  expect(t.log.length).toBeGreaterThan(40);
  expect(t.log.length).toBeLessThan(60);
});

it('shows a subject, alone and with a text, and that of a room once', () => {
  const t = talking();
  t.hear(`<message from='bob@x/p'><subject>not sent: x\ny</subject></message>`);
  t.hear(`<message from='bob@x/p'><subject>about</subject><body>text</body></message>`);
  for (let i = 0; i < 2; i++) t.hear(`<message from='r@c/you' type='groupchat'><subject>topic</subject></message>`);
  expect(t.out).toEqual([
    'bob@x: T -!- bob@x/p: subject: not sent: x',
    'bob@x: T -!- bob@x/p: subject: about',
    'bob@x: T <bob@x/p> text',
    'r@c: T -!- you: subject: topic',
  ]);
  expect(t.log.map(({ subject, body }) => [subject, body])).toEqual([
    ['not sent: x\ny', undefined],
    ['about', 'text'],
    ['topic', undefined],
  ]);
  expect(t.events).toEqual(['message bob@x subject: not sent: x', 'message bob@x text']);
});

it('leaves a trace of what has no text', () => {
  const t = talking();
  const call = `<propose xmlns='urn:xmpp:jingle-message:0' id='c'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>`;
  t.hear(`<message from='bob@x/p' type='chat'>${call}</message>`);
  expect(t.out).toEqual(['bob@x: T -!- bob@x/p: is calling (audio)']);
  expect(t.log[0]).toMatchObject({ dir: 'in', from: 'bob@x/p', type: 'chat', xml: call });
  expect(t.events).toEqual(['message bob@x is calling (audio)']);
});

it('tells of a receipt once, from whom the message was sent to', () => {
  const t = talking();
  const [sent] = t.say('bob@x', 'hi');
  const id = sent!.attrs.id!;
  const receipt = (from: string, of = id, type = 'chat') =>
    t.hear(`<message from='${from}' type='${type}'><received xmlns='urn:xmpp:receipts' id='${of}'/></message>`);
  receipt('eve@x/p');
  receipt('bob@x.example/p');
  receipt('bob@x/p', 'other');
  receipt('bob@x/p', id, 'groupchat');
  receipt('bob@x/p', id, 'error');
  expect(t.events.filter((event) => !event.startsWith('error'))).toEqual([]);
  receipt('bob@x/p');
  receipt('bob@x/p');
  expect(t.events.filter((event) => !event.startsWith('error'))).toEqual([`receipt bob@x ${id}`]);
});

it('knows what it sent before it was started anew', () => {
  const t = talking();
  const id = `m${'a'.repeat(24)}`;
  ensureContact(t.dir, 'bob@x');
  fs.appendFileSync(
    path.join(t.dir, 'bob@x', 'log'),
    `${JSON.stringify({ time: 't', dir: 'out', to: 'bob@x', type: 'chat', id, body: 'hi' })}\n`,
  );
  t.hear(`<message from='bob@x/p'><received xmlns='urn:xmpp:receipts' id='${id}'/></message>`);
  expect(t.events).toEqual([`receipt bob@x ${id}`]);
});

it('names the line that was not delivered', () => {
  const t = talking();
  ensureContact(t.dir, 'bob@x');
  const [sent] = t.say('bob@x', 'my line');
  const error = `<error type='cancel'><gone ${NS}/><text ${NS}>moved</text></error>`;
  t.hear(`<message from='bob@x' type='error' id='${sent!.attrs.id}'>${error}</message>`);
  expect(t.out.at(-1)).toBe('bob@x: T -!- not delivered (gone, moved): my line');
  expect(t.log.at(-1)).toMatchObject({ dir: 'error', reason: 'gone: moved', body: 'my line' });
});

it('shows the history of a room once, however often it is joined', () => {
  const dir = scratch();
  const at = (stamp: string, more = '') => `<delay xmlns='urn:xmpp:delay' stamp='${stamp}'/>${more}`;
  const said = (body: string, id: string, more = '') =>
    `<message from='r@c/you' type='groupchat' id='${id}'><body>${body}</body>${more}</message>`;
  const first = talking(dir);
  first.hear(said('old', '1', at('2024-01-01T00:00:00Z')));
  first.hear(said('live', '2'));
  first.hear(said('known', '3', `<stanza-id xmlns='urn:xmpp:sid:0' by='r@c' id='s3'/>`));
  expect(first.out).toHaveLength(3);
  const again = (t: ReturnType<typeof talking>) => {
    t.hear(said('old', '1', at('2024-01-01T00:00:00Z')));
    t.hear(said('live', '2', at(new Date().toISOString())));
    t.hear(said('known', '3', at('2024-01-01T00:00:05Z', `<stanza-id xmlns='urn:xmpp:sid:0' by='r@c' id='s3'/>`)));
  };
  again(first);
  expect(first.out).toHaveLength(3);
  // Of another process, and of another session.
  fs.writeFileSync(
    path.join(ensureContact(dir, 'r@c'), 'log'),
    first.log.map((record) => `${JSON.stringify(record)}\n`).join(''),
  );
  const next = talking(dir);
  again(next);
  expect(next.out).toEqual([]);
  // The same id, or the same text, is not the same message.
  next.hear(said('old', '1', at('2024-01-01T01:00:00Z')));
  next.hear(said('other', '1', at('2024-01-01T00:00:00Z')));
  next.hear(said('live', '2'));
  expect(next.out).toHaveLength(3);
});

it('knows whom the roster has', () => {
  const dir = scratch();
  writeFriends(dir, [['bob@x', 'both']]);
  const t = talking(dir, { ...DEFAULT_LIMITS, flood: 1 });
  for (let i = 0; i < 20; i++) t.hear(`<message from='bob@x/r'><body>${'x'.repeat(40_000)}</body></message>`);
  expect(t.log).toHaveLength(20);
});
