import { expect, it } from 'vitest';
import { createOutbox, type OutgoingFrame } from '../../../lib/chat/outbox.ts';
import type { OnWritten } from '../../../lib/sys/outlet.ts';

function sending({ room = true } = {}) {
  const lines: string[] = [];
  const fates: (OnWritten | undefined)[] = [];
  const said: string[] = [];
  let after: (() => void)[] = [];
  const box = createOutbox(
    {
      send(line, fate) {
        lines.push(line);
        fates.push(fate);
        return room;
      },
    },
    {
      intend: ({ id }) => said.push(`intend ${id}`),
      settle: (id) => said.push(`settle ${id}`),
      after: (call) => void after.push(call),
    },
    {
      fate: ({ id }, why) => said.push(`${id} ${why ?? 'sent'}`),
      busy: (busy) => said.push(`busy ${busy}`),
      full: (full) => said.push(`full ${full}`),
      soon: () => {},
      again: (n) => lines.push(`again ${n}`),
      broken: ({ message }) => said.push(`broken ${message}`),
    },
  );
  const frameOf = (id: string): OutgoingFrame => ({
    intent: { jid: 'a@x', id, body: id, room: false },
    frame: `<${id}/>`,
  });
  const write = () => {
    const calls = after;
    after = [];
    for (const call of calls) call();
  };
  return { box, lines, fates, said, frameOf, write, take: () => said.splice(0) };
}

it('lets a line leave once it is written down, and shows it once it is taken', () => {
  const { box, lines, frameOf, write, take } = sending();
  box.open([]);
  box.send(frameOf('a'));
  box.send(frameOf('b'));
  expect(lines).toEqual([]);
  write();
  expect([lines, take()]).toEqual([
    ['<a/>', '<b/>'],
    ['intend a', 'intend b'],
  ]);
  box.sent(1);
  expect(take()).toEqual(['settle a', 'a sent']);
  box.sent(1);
  box.sent(2);
  expect(take()).toEqual(['settle b', 'b sent']);
});

it('tells why a line is refused, and counts it', () => {
  const { box, frameOf, write, take } = sending();
  box.open([]);
  for (const id of ['a', 'b', 'c']) box.send(frameOf(id));
  write();
  take();
  box.refused(2, 'too big');
  box.sent(3);
  box.refused(9, 'unknown');
  expect(take()).toEqual(['settle b', 'b too big', 'settle a', 'a sent', 'settle c', 'c sent']);
});

it('offers again what an earlier process has sent, and says so', () => {
  const { box, lines, frameOf, write, take } = sending();
  // Taken before the session was there: written down, and no more.
  box.send(frameOf('c'));
  write();
  expect(lines).toEqual([]);
  box.open(['a', 'b', 'c'].map(frameOf));
  expect(lines).toEqual(['again 3', '<a/>', '<b/>', '<c/>']);
  take();
  box.sent(2);
  expect(take()).toEqual(['settle a', 'a sent', 'settle b', 'b sent']);
});

it('goes by the outlet when nothing more is told', () => {
  const { box, fates, frameOf, write, take } = sending();
  box.open([]);
  for (const id of ['a', 'b', 'c']) box.send(frameOf(id));
  write();
  take();
  fates[0]!(null);
  box.last();
  expect(take()).toEqual(['settle a', 'a sent']);
  fates[1]!(null);
  fates[2]!(new Error('gone'));
  expect(take()).toEqual(['settle b', 'b sent', 'settle c', 'c offline']);
});

it('keeps what is not taken when sj has gone', () => {
  const { box, lines, fates, frameOf, write, take } = sending();
  box.open([]);
  box.send(frameOf('a'));
  write();
  fates[0]!(new Error('gone'));
  box.shut();
  box.send(frameOf('b'));
  write();
  expect([lines, take()]).toEqual([['<a/>'], ['intend a', 'broken gone', 'intend b']]);
});

it('asks to wait while much is on its way, or is about to be', () => {
  const { box, frameOf, write, take } = sending();
  box.open([]);
  const flow = () => take().filter((line) => /^(busy|full)/.test(line));
  for (let i = 0; i < 2001; i++) box.send(frameOf(`${i}`));
  expect(flow()).toEqual(['busy true']);
  for (let i = 0; i < 8000; i++) box.send(frameOf(`more ${i}`));
  expect(flow()).toEqual(['full true']);
  write();
  box.sent(10_001);
  expect(flow()).toEqual(['busy false', 'full false']);

  box.send({ ...frameOf('long'), frame: 'x'.repeat(5_000_000) });
  expect(take()).toEqual(['intend long', 'busy true', 'full true']);
  box.shut();
  expect(take()).toEqual(['busy false', 'full false']);

  const slow = sending({ room: false });
  slow.box.open([]);
  slow.box.send(slow.frameOf('a'));
  slow.write();
  slow.box.drained();
  expect(slow.take()).toEqual(['intend a', 'busy true', 'busy false']);
});
