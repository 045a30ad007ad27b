import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { useServer } from './bed/use-server.ts';
import { startSlix } from './peers/slix.ts';
import { startSuite } from './suite.ts';

const ASK = `echo "<iq type='get' id='$1' to='$2'><query xmlns='jabber:iq:version'/></iq>" > in`;

describe.each([prosody, ejabberd])('iq over $name', (kind) => {
  const server = useServer(kind);

  it('asks a client for its version, and finds the answer in a file', async () => {
    const alice = await (await startSuite(server, 'alice@localhost')).online();
    const bob = await startSlix(server, 'bob@localhost/slix');
    await alice.sh(ASK, 'v1', bob.jid);
    const answer = await alice.see('v1', '</iq>');
    expect(answer).toContain('<name>slix</name>');
    expect(answer).toMatch(/ from='bob@localhost\/slix'/);
  });

  it('asks a client for its version, and reads the answer from a FIFO', async () => {
    const alice = await (await startSuite(server, 'alice@localhost')).online();
    const bob = await startSlix(server, 'bob@localhost/slix');
    const answer = await alice.sh(`mkfifo "$1" && ${ASK} && cat "$1"`, 'v2', bob.jid);
    expect(answer).toContain('<name>slix</name>');
  });

  it('asks the server for its version', async () => {
    const alice = await (await startSuite(server, 'alice@localhost')).online();
    await alice.sh(ASK, 'v3', 'localhost');
    expect((await alice.see('v3', '</iq>')).toLowerCase()).toContain(`<name>${server.name}</name>`);
  });

  it('gets an error where there is nobody to answer', async () => {
    const alice = await (await startSuite(server, 'alice@localhost')).online();
    await alice.sh(ASK, 'v4', 'carol@localhost/nowhere');
    expect(await alice.see('v4', '</iq>')).toMatch(/type='error'.*service-unavailable/s);
  });

  it('answers a client that asks for our version, if it may see that we are there', async () => {
    const alice = await (await startSuite(server, 'alice@localhost')).online();
    const bob = await startSlix(server, 'bob@localhost/slix');
    bob.tell({ do: 'version', to: alice.full });
    const { condition } = await bob.see('iq-error', (e) => e.from === alice.full);
    expect(condition).toBe('service-unavailable');
    await alice.sh('mkdir -p "$1"; echo away >"$1/mypresence"', 'bob@localhost');
    await bob.see('presence', (p) => p.from === alice.full && p.show === 'away');
    bob.tell({ do: 'version', to: alice.full });
    const { name, version } = await bob.see('version', (v) => v.from === alice.full);
    expect(name).toBe('sj');
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
