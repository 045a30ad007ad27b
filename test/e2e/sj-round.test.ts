// The whole round: two accounts, each through its tree and by shell commands alone.
import { expect, it } from 'vitest';
import { ALICE, BOB, events, startBed, startSuite, until, untimed } from './bed/suite.ts';

it('two accounts find each other, chat, go away, ask and answer', async () => {
  const server = await startBed();
  const alice = await startSuite(server).online();
  const bob = await startSuite(server, { user: 'bob' }).online();

  // Subscriptions, by the tools.
  await alice.sh('presence -t "$1" subscribe', BOB);
  await bob.see('events', `\tsubscribe\t${ALICE}\t`);
  await bob.sh('presence -t "$1" subscribed; presence -t "$1" subscribe', ALICE);
  await alice.see('events', `\tsubscribe\t${BOB}\t`);
  await alice.sh('presence -t "$1" subscribed', BOB);
  await alice.see(`${BOB}/presence`, 'online');
  await bob.see(`${ALICE}/presence`, 'online');
  expect(await alice.sh('roster')).toMatch(/^bob@example\.org\tboth/);

  // Talk: the directories are there by now, or are made.
  await alice.chat(BOB);
  await alice.sh('printf "%s\\n" "$@" > bob@example.org/in', 'Grüße <&>"\' ]]> 👋🏽', '/me waves');
  await bob.see(`${ALICE}/out`, '/me waves');
  await bob.sh('echo "hello  alice" > alice@example.org/in');
  await bob.sh('printf "one\\342\\200\\250two\\n" > alice@example.org/in');
  await alice.see(`${BOB}/out`, 'two');
  const conversation = (a: string, b: string) =>
    [`<${a}> Grüße <&>"' ]]> 👋🏽`, `<${a}> /me waves`, `<${b}> hello  alice`, `<${b}> one`, `<${b}> two`, ''].join(
      '\n',
    );
  // Everybody is a full JID but oneself.
  expect(untimed(alice.read(BOB, 'out'))).toBe(conversation(ALICE, `${BOB}/desk`));
  expect(untimed(bob.read(ALICE, 'out'))).toBe(conversation(`${ALICE}/desk`, BOB));

  // A line of 60 KB.
  await bob.sh('head -c 60000 /dev/zero | tr "\\0" x > alice@example.org/in');
  await alice.see(`${BOB}/out`, `<${BOB}/desk> ${'x'.repeat(60_000)}\n`);

  // Presence for all, and for one.
  await alice.sh('echo away for lunch > mypresence');
  await bob.see(`${ALICE}/presence`, /^away for lunch\n$/);
  await alice.sh('echo dnd > bob@example.org/mypresence');
  await bob.see(`${ALICE}/presence`, /^dnd\n$/);
  await alice.sh('rm bob@example.org/mypresence');
  await bob.see(`${ALICE}/presence`, /^away for lunch\n$/);

  // Queries: by a FIFO, by a file, of a handler of one's own, of nobody.
  const ask = (id: string, ns: string) => `<iq type='get' id='${id}' to='${BOB}/desk'><query xmlns='${ns}'/></iq>`;
  const version = await alice.sh('mkfifo v1; echo "$1" > in; cat v1', ask('v1', 'jabber:iq:version'));
  expect(version).toMatch(/^<iq type='result' id='v1' [^\n]*<name>sj<\/name><version>[^<]+<\/version>[^\n]*<\/iq>\n$/);
  await alice.sh('echo "$1" > in', ask('v2', 'jabber:iq:version'));
  expect(await alice.see('v2', '\n')).toBe(version.replace('v1', 'v2'));
  await bob.sh(
    `mkdir -p ext; printf '%s\\n' '#!/bin/sh' 'echo "<query xmlns=\\"$IQ_NS\\">$IQ_TYPE from $IQ_FROM</query>"' > ext/urn:x-test:own
     chmod +x ext/urn:x-test:own`,
  );
  await alice.sh('echo "$1" > in', ask('own', 'urn:x-test:own'));
  expect(await alice.see('own', '\n')).toContain(`<query xmlns='urn:x-test:own'>get from ${ALICE}/desk</query>`);
  await alice.sh('echo "$1" > in', ask('none', 'urn:x-test:none'));
  expect(await alice.see('none', '\n')).toContain('<service-unavailable ');

  // Bob goes; what is said meanwhile waits for him.
  bob.child.kill('SIGTERM');
  expect([await bob.ended, bob.err()]).toEqual([0, '']);
  await alice.see(`${BOB}/presence`, /^$/);
  await alice.sh('echo are you there > bob@example.org/in');
  await server.until(() => server.offline(BOB).length === 1);
  const again = await startSuite(server, { user: 'bob', dir: bob.dir }).online();
  await again.see(`${ALICE}/out`, `<${ALICE}/desk> are you there`);
  expect(again.read(ALICE, 'log')).toMatch(/"dir":"in"[^\n]*"body":"are you there"\}\n$/);
  await alice.see(`${BOB}/presence`, 'online');

  for (const one of [alice, again]) {
    one.child.kill('SIGTERM');
    expect([await one.ended, one.err()]).toEqual([0, '']);
  }
  expect(events(alice.dir).map(([type, jid]) => `${type} ${jid}`)).toEqual(
    expect.arrayContaining([
      `online ${ALICE}`,
      `new ${BOB}`,
      `subscribed ${BOB}`,
      `message ${BOB}`,
      `offline ${ALICE}`,
    ]),
  );
});

it('roster shows who has asked for our presence, until that is answered', async () => {
  const server = await startBed();
  const alice = await startSuite(server).online();
  const bob = await startSuite(server, { user: 'bob' }).online();
  await bob.sh('presence -t "$1" subscribe', ALICE);
  await alice.see('events', /\tsubscribe\tbob@/);
  await until(() => alice.read('.requests') !== '');
  expect(await alice.sh('roster')).toBe(`${BOB}\tnone asks\t\n`);
  await alice.sh('presence -t "$1" subscribed', BOB);
  await until(() => alice.read('.requests') === '');
  expect(await alice.sh('roster')).toBe(`${BOB}\tfrom\t\n`);
});
