/** Every way in which sj can be given its connection. */
import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { useServer } from './bed/use-server.ts';
import { startSlix } from './peers/slix.ts';
import { startSuite, WAYS, type Way } from './suite.ts';

describe.each([prosody, ejabberd])('a session on $name', (kind) => {
  const server = useServer(kind);

  it.each(Object.keys(WAYS) as Way[])('by way of %s', async (way) => {
    const alice = await (await startSuite(server, 'alice@localhost', { way })).online();
    const bob = await startSlix(server, 'bob@localhost/slix');
    await alice.chat('bob@localhost');
    await alice.say('bob@localhost', `by ${way}`);
    await bob.see('message', (m) => m.body === `by ${way}` && m.from === alice.full);
    bob.tell({ do: 'message', to: alice.full, body: `back by ${way}` });
    await alice.see('bob@localhost/out', `<${bob.jid}> back by ${way}\n`);
    expect(await alice.stop()).toBe(0);
    expect(alice.read('state')).toBe('offline\n');
    // ejabberd closes without a goodbye of TLS, which s_client does not let pass without a word.
    expect(alice.complaints().replace(/^tlsclient: .*\n/gm, '')).toBe('');
  });

  it('with the password on a descriptor, and the trust from the environment', async () => {
    const alice = await startSuite(server, 'alice@localhost', { passwordOn: 5, trust: 'environment' });
    await alice.online();
    expect(await alice.stop()).toBe(0);
    expect(alice.complaints()).toBe('');
  });
});
