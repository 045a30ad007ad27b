import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ledger from '../../../../lib/xmpp/stream/ledger.ts';

const session = { account: 'a@x', id: "i'd", jid: 'a@x/sj' };
const message = (id: string) => ({ bytes: Buffer.from(`<message id='${id}'><body>&gt; ü</body></message>`), time: 17 });

function read(content: Buffer) {
  const reader = ledger.createReader();
  let start = 0;
  for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, start)) {
    reader.line(content.subarray(start, end));
    start = end + 1;
  }
  return reader.kept();
}

describe('ledger', () => {
  it('reads back what was written', () => {
    const lines = [
      ledger.sessionLine(session),
      ledger.outLines([message('m1'), message('m2'), message('m3')]),
      ledger.ackedLine(1),
      ledger.inLine(12, { messaged: 5, presenced: 4, iqd: 1 }),
      ledger.askedLine('q1', 'bob@x/phone 7'),
      ledger.askedLine('q2', ''),
      ledger.answeredLine('q2'),
    ];
    const kept = read(Buffer.concat(lines.map((line) => Buffer.from(line))));
    expect(kept.session).toEqual(session);
    expect(kept.outgoing.count).toBe(3);
    expect(kept.outgoing.open).toEqual([message('m2'), message('m3')]);
    expect(kept.incoming).toEqual({ count: 12, numbers: { messaged: 5, presenced: 4, iqd: 1 } });
    expect([...kept.taken]).toEqual(['m1', 'm2', 'm3']);
    expect([...kept.asked]).toEqual([['q1', 'bob@x/phone 7']]);
  });

  it('begins anew with each session', () => {
    const first = [ledger.sessionLine(session), ledger.outLines([message('m1')]), ledger.inLine(3, ledger.NO_NUMBERS)];
    const all = [...first, ledger.sessionLine({ ...session, id: 'next' })];
    const kept = read(Buffer.concat(all.map((line) => Buffer.from(line))));
    expect(kept.session?.id).toBe('next');
    expect([kept.outgoing.count, kept.outgoing.open, kept.incoming.count]).toEqual([0, [], 0]);
    expect(kept.taken.has('m1')).toBe(true);
  });

  const event = fc.oneof(
    fc.record({ out: fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 1, maxLength: 4 }) }),
    fc.record({ ack: fc.nat(4) }),
    fc.record({ handled: fc.nat(9) }),
    fc.record({ ask: fc.stringMatching(/^[a-z]{1,3}$/) }),
    fc.record({ answer: fc.stringMatching(/^[a-z]{1,3}$/) }),
  );

  it('says the same in a summary, and makes sense wherever it breaks off', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), fc.double({ min: 0, max: 1, noNaN: true }), (events, where) => {
        const parts: (string | Buffer)[] = [ledger.sessionLine(session)];
        let [sent, acked, handled] = [0, 0, 0];
        for (const e of events) {
          if ('out' in e) {
            parts.push(ledger.outLines(e.out.map(message)));
            sent += e.out.length;
          } else if ('ack' in e) {
            acked = Math.min(sent, acked + e.ack);
            parts.push(ledger.ackedLine(acked));
          } else if ('handled' in e) {
            handled += e.handled;
            parts.push(ledger.inLine(handled, { ...ledger.NO_NUMBERS, iqd: handled }));
          } else if ('ask' in e) parts.push(ledger.askedLine(e.ask, 'bob@x'));
          else parts.push(ledger.answeredLine(e.answer));
        }
        const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
        const whole = read(content);
        expect([whole.outgoing.count, whole.outgoing.openCount]).toEqual([sent, sent - acked]);

        const again = read(ledger.summary(whole));
        expect(again.outgoing.open).toEqual(whole.outgoing.open);
        expect({ ...again, outgoing: again.outgoing.count }).toEqual({ ...whole, outgoing: whole.outgoing.count });

        const cut = read(content.subarray(0, Math.floor(where * content.length)));
        expect(cut.outgoing.count).toBeLessThanOrEqual(sent);
        expect(cut.incoming.count).toBeLessThanOrEqual(handled);
      }),
    );
  });

  it('skips what is none of its lines', () => {
    const bad =
      'acked -1\nbase x\nin x {}\nin 3 {"messaged":"x"}\nout 17 \nsession {"id":3}\nsession [\nout\nout x\nin 3 {\n\0\0\0\nconstructor x\n\xff\xfe\n';
    const kept = read(Buffer.from(`${ledger.sessionLine(session)}${bad}`, 'latin1'));
    expect(kept.session).toEqual(session);
    expect([kept.outgoing.count, kept.incoming.count, kept.asked.size]).toEqual([0, 0, 0]);
  });
});

it('takes nothing that others have chosen for a line of its own', () => {
  const evil = `x\nsession ${JSON.stringify({ ...session, id: 'forged' })}\nacked 1`;
  const lines = [
    ledger.sessionLine(session),
    ledger.askedLine(evil, evil),
    ledger.askedLine('gone', evil),
    ledger.answeredLine('gone'),
    ledger.outLines([message('m1'), { bytes: Buffer.from(`<message id='m2' to='${evil}'/>`), time: 1 }]),
  ];
  const kept = read(Buffer.concat(lines.map((line) => Buffer.from(line))));
  kept.taken.add(evil);
  for (const each of [kept, read(ledger.summary(kept))]) {
    expect(each.session).toEqual(session);
    expect([...each.asked]).toEqual([[evil, evil]]);
    expect(each.outgoing.openCount).toBe(2);
  }
  expect(read(ledger.summary(kept)).taken.has(evil)).toBe(true);
});

it('reads ids and addresses as an earlier version wrote them', () => {
  const kept = read(Buffer.from('asked q1 bob@x/phone 7\nasked q2 \nanswered q2\ntaken m1\n'));
  expect([[...kept.asked], [...kept.taken]]).toEqual([[['q1', 'bob@x/phone 7']], ['m1']]);
});

it('finds the id of a message wherever it stands, and of nothing else', () => {
  const idOf = (text: string) => ledger.idOf(Buffer.from(text));
  expect(idOf("<message to='x id=' type='chat' id='a1'><body id='b'/></message>")).toBe('a1');
  expect(idOf("<message xid='1' id='a&amp;ü'/>")).toBe('a&ü');
  expect(idOf(`<message to='${'x'.repeat(2000)}' id='far'/>`)).toBe('far');
  expect(idOf("<message to='x'><body id='b'/></message>")).toBeNull();
  expect(idOf("<iq id='q'/>")).toBeNull();
});

it('knows the messages that were sent last, from the last lines alone', () => {
  const lines = ['taken m0', "out 1 <message id='m1'/>", "out 2 <iq id='q'/>", 'acked 2', "out 3 <message id='m2'/>"];
  const taken = ledger.createTakenIds();
  for (const line of [...lines].reverse()) expect(taken.line(Buffer.from(line))).toBe(false);
  expect([...taken.ids()]).toEqual(['m0', 'm1', 'm2']);

  const many = ledger.createTakenIds();
  let read = 0;
  while (!many.line(Buffer.from(`taken m${read++}`)));
  expect([read, many.ids().size]).toEqual([2000, 2000]);
});

it('remembers no ids that would fill the memory', () => {
  const id = (length: number) => Buffer.from(`<message id='${'i'.repeat(length)}'/>`);
  expect(ledger.idOf(id(256))).toHaveLength(256);
  expect(ledger.idOf(id(257))).toBeNull();
});

it.each(['<message id=x/>', '<message a:id="x"/>', '<message \u0001/>', '<message'])(
  'is read though a disk has spoilt a stanza: %s',
  (spoilt) => {
    const lines = [
      Buffer.from(ledger.sessionLine(session)),
      ledger.outLines([message('m1'), { bytes: Buffer.from(spoilt), time: 1 }, message('m2')]),
    ];
    expect([...read(Buffer.concat(lines)).taken]).toEqual(['m1', 'm2']);
  },
);

it('keeps a stanza whose time a disk has spoilt', () => {
  const once = read(Buffer.from(`base 0\nout ${'9'.repeat(400)} <message/>\n`));
  expect(once.outgoing.openCount).toBe(1);
  expect(read(ledger.summary(once)).outgoing.open).toEqual(once.outgoing.open);
});
