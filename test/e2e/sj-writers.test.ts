// Many writers at once: what shells write into a contact's `in` arrives at the other side.
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { connectClient } from '../../loopback/client.ts';
import { child, text } from '../../loopback/xml.ts';
import { ALICE, BOB, DOMAIN, start, startBed, startSuite, until, untimed } from './bed/suite.ts';

const WRITERS = 50;
const LINES = 100;
/** Of line `i` of writer `w`, in bytes, without the newline: 10 to 4,000. */
const length = (w: number, i: number) => 10 + (((w * LINES + i) * 79) % 3991);

/** Holds it open from before the others come until they have gone, and splits a line within a character. */
const HOLDER = `exec > ${BOB}/in; echo first
  read go; printf 'half a line \\303'; echo written >&2
  read go; printf '\\251 and the rest\\nlast without an end'`;
const HELD = ['first', 'half a line é and the rest', 'last without an end'];

/** Alice with a chat, and bob, who gets everything. */
async function chat() {
  const server = await startBed({ keep: 20_000 });
  const bob = await connectClient({ ...server, domain: DOMAIN, user: 'bob', password: 'secret-bob' });
  const alice = await startSuite(server).online();
  await alice.chat(BOB);
  const arrived = () =>
    bob.received().flatMap(({ stanza }) => (stanza.name === 'message' ? text(child(stanza, 'body')) : []));
  return { alice, bob, arrived };
}

it(`${WRITERS} shells, one more that holds it and writes a half line, and no line is lost or mixed`, async () => {
  const { alice, bob, arrived } = await chat();
  const writer = `
    i=0 n=$2
    while [ $i -lt ${LINES} ]; do
      printf '%02d %02d %0*d\\n' $1 $i $((n - 6)) 0 > ${BOB}/in
      i=$((i + 1)) n=$(((n - 10 + 79) % 3991 + 10))
    done`;
  const holder = start(['sh', '-c', HOLDER], { cwd: alice.dir });
  const writers = Array.from({ length: WRITERS }, (_, w) =>
    start(['sh', '-c', writer, 'sh', `${w}`, `${length(w, 0)}`], { cwd: alice.dir }),
  );
  for (const one of writers) expect([await one.ended, one.err()]).toEqual([0, '']);
  // A FIFO does not tell who has written what, so nobody else may write between the halves; but others may speak.
  holder.child.stdin!.write('half\n');
  await until(() => holder.err() === 'written\n');
  bob.send(`<message to='${ALICE}' type='chat'><body>meanwhile</body></message>`);
  await alice.see(`${BOB}/out`, 'meanwhile');
  holder.child.stdin!.end('rest\n');
  expect(await holder.ended).toBe(0);
  const wanted = WRITERS * LINES + HELD.length;
  await until(
    () => arrived().length >= wanted,
    () => `${arrived().length}\n${alice.err()}`,
  );

  const all = arrived();
  const expected = (w: number) =>
    Array.from({ length: LINES }, (_, i) => {
      const [a, b] = [w, i].map((n) => String(n).padStart(2, '0'));
      return `${a} ${b} ${'0'.repeat(length(w, i) - 6)}`;
    });
  for (let w = 0; w < WRITERS; w++) {
    const mine = all.filter((body) => body.startsWith(expected(w)[0]!.slice(0, 3)));
    expect(mine.map((body) => [body.slice(0, 6), body.length])).toEqual(
      expected(w).map((body) => [body.slice(0, 6), body.length]),
    );
    expect(mine.join() === expected(w).join()).toBe(true);
  }
  expect(all.filter((body) => !/^\d\d \d\d 0+$/.test(body))).toEqual(HELD);
  expect(all).toHaveLength(wanted);
  // And so it stands in the conversation, in the order in which it was sent.
  await alice.see(`${BOB}/out`, HELD.at(-1)!);
  const own = untimed(alice.read(BOB, 'out')).replace(`<${bob.jid}> meanwhile\n`, '');
  expect(own === all.map((body) => `<${ALICE}> ${body}\n`).join('')).toBe(true);
});

it('a line ends where its writer does, and who opens it for each line is as good as who holds it', async () => {
  const { alice, arrived } = await chat();
  await alice.sh(`printf hi > ${BOB}/in`);
  await until(() => arrived().length === 1);
  await alice.sh(`for i in 1 2 3; do echo $i > ${BOB}/in; done; { echo; echo 4; echo 5; } > ${BOB}/in`);
  await until(() => arrived().length === 6);
  expect(arrived()).toEqual(['hi', '1', '2', '3', '4', '5']);
});

it('what is written before the session is there is sent when it is', async () => {
  const server = await startBed();
  const alice = startSuite(server);
  const chat = path.join(alice.dir, BOB);
  fs.mkdirSync(chat);
  const made = start(['mkfifo', path.join(chat, 'in')], {});
  expect(await made.ended).toBe(0);
  const early = start(['sh', '-c', 'echo early > "$1"', 'sh', path.join(chat, 'in')], {});
  expect(await early.ended).toBe(0);
  const { xml } = await server.waitFor(({ stanza }) => stanza.name === 'message');
  expect(xml).toContain('<body>early</body>');
  expect(xml).toContain(`to='${BOB}'`);
});

it('raw stanzas of many writers arrive whole, and so does a long one under the lock', async () => {
  const server = await startBed();
  const alice = await startSuite(server).online();
  const script = `i=0; while [ $i -lt 50 ]; do printf "<message to='${BOB}' id='w$1-$i'>
<body>%0*d</body></message>" $((i * 70 + 1)) 0 > in; i=$((i + 1)); done`;
  const writers = Array.from({ length: 8 }, (_, w) => start(['sh', '-c', script, 'sh', `${w}`], { cwd: alice.dir }));
  for (const one of writers) expect([await one.ended, one.err()]).toEqual([0, '']);
  const sent = () => server.received().filter(({ stanza }) => /^w\d/.test(stanza.attrs.id ?? ''));
  await until(() => sent().length === 400, alice.err);
  for (let w = 0; w < 8; w++) {
    const mine = sent().filter(({ stanza }) => stanza.attrs.id!.startsWith(`w${w}-`));
    expect(mine.map(({ stanza }) => [stanza.attrs.id, text(child(stanza, 'body')).length])).toEqual(
      Array.from({ length: 50 }, (_, i) => [`w${w}-${i}`, i * 70 + 1]),
    );
  }
  const body = 'x'.repeat(60_000);
  const long = start(['sh', '-c', 'mkdir .in.lock && cat > in; rmdir .in.lock'], { cwd: alice.dir });
  long.child.stdin!.end(`<message to='${BOB}' id='long'><body>${body}</body></message>`);
  const others = start(['sh', '-c', script, 'sh', '9'], { cwd: alice.dir });
  await once(long.child, 'exit');
  const { stanza } = await server.waitFor(({ stanza }) => stanza.attrs.id === 'long');
  expect(text(child(stanza, 'body')) === body).toBe(true);
  expect(await others.ended).toBe(0);
});
