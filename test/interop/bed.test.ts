/** The bed by itself, without a program of ours: what fails here is no fault of theirs. */
import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { until } from './bed/until.ts';
import { useServer } from './bed/use-server.ts';
import { goListen, goSend } from './peers/go-sendxmpp.ts';
import { startSlix } from './peers/slix.ts';

describe.each([prosody, ejabberd])('$name', (kind) => {
  const server = useServer(kind);

  it('carries messages between go-sendxmpp and slixmpp', async () => {
    const bob = await startSlix(server, 'bob@localhost/slix');
    const carol = await goListen(server, 'carol');
    bob.tell({ do: 'message', to: 'carol@localhost', body: 'one\ntwo <&>"\' ]]> é 😀' });
    await carol.see('one\ntwo <&>"\' ]]> é 😀');
    await goSend(server, 'alice', 'bob@localhost', 'three\nfour');
    expect((await bob.see('message', () => true)).body.trimEnd()).toBe('three\nfour');
  });

  it('logs each attempt to log in', async () => {
    await startSlix(server, 'bob@sha256.localhost/a');
    await startSlix(server, 'bob@sha1.localhost/b', 'direct');
    // slixmpp takes the variant with channel binding where there is one.
    const seen = () => server.attempts().slice(-2).join(' ');
    await until('both in the log', () => /^SCRAM-SHA-256\S* SCRAM-SHA-1\S*$/.test(seen()), seen);
  });

  it('ends a session and comes back', async () => {
    const bob = await startSlix(server, 'bob@localhost/kicked');
    const carol = await startSlix(server, 'carol@localhost/watching');
    bob.tell({ do: 'presence', to: carol.jid });
    await carol.see('presence', (p) => p.from === bob.jid && p.type === '');
    await server.kick(bob.jid);
    await carol.see('presence', (p) => p.from === bob.jid && p.type === 'unavailable');
    await server.stop();
    await server.start();
    await startSlix(server, 'bob@localhost/again');
  });
});
