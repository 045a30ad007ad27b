// Whoever a server lets in can be seen and answered, whatever RFC 7622 says of his address.
import { describe, expect, it } from 'vitest';
import { ALICE, events, startBed, startSuite, until, untimed } from './bed/suite.ts';

describe('an address that RFC 7622 does not allow', () => {
  it.each(['o\u2019brien@x.example', '\u265abob@x.example', 'bob\u{1f600}@\u2603.example'])(
    'has its directory, is seen online, asks, and is answered: %s',
    async (who) => {
      const server = await startBed();
      const alice = await startSuite(server).online();
      await server.online(ALICE);
      await server.inject(
        ALICE,
        `<message from='${who}/r' type='chat' id='1'><body>hello</body></message><presence from='${who}/r'><status>here</status></presence><presence from='${who}' type='subscribe'/>`,
      );
      await alice.see(`${who}/out`, 'hello');
      await alice.see(`${who}/presence`, 'online here');
      await alice.see('events', `\tsubscribe\t${who}\t`);
      expect(untimed(alice.read(who, 'out'))).toContain(`<${who}/r> hello\n`);
      expect(alice.read(who, 'id')).toBe(`${who}\n`);

      await alice.sh('echo "hello yourself" > "$1"/in; presence -t "$1" subscribed', who);
      await until(() => /<message [^>]*>.*hello yourself/.test(server.heard()), server.heard);
      await until(() => server.heard().includes("type='subscribed'"), server.heard);
      for (const { stanza } of server.received())
        if (stanza.name === 'message' || stanza.attrs.type === 'subscribed') expect(stanza.attrs.to).toBe(who);
      expect(alice.err()).toBe('');
    },
  );

  it('that could be taken for another one has no directory, and is told', async () => {
    const server = await startBed();
    const alice = await startSuite(server).online();
    await server.online(ALICE);
    await server.inject(
      ALICE,
      `<message from='bo\u00adb@x.example'><body>x</body></message><presence from='bo\u200bb@x.example' type='subscribe'/>`,
    );
    await alice.see('events', 'a message from what is not an address');
    await alice.see('events', 'subscribe from what is not an address');
    expect(events(alice.dir).some(([type]) => type === 'new')).toBe(false);
  });
});
