import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { useServer } from './bed/use-server.ts';
import { startSlix } from './peers/slix.ts';
import { startSuite } from './suite.ts';

const ALICE = 'alice@localhost';
const BOB = 'bob@localhost';
const CAROL = 'carol@localhost';

/** A line of `events`. */
const event = (type: string, jid: string) => new RegExp(`^\\d+\\.\\d{3}\\t${type}\\t${jid}(\\t|$)`, 'm');

describe.each([prosody, ejabberd])('presence over $name', (kind) => {
  const server = useServer(kind);

  it('is asked for, granted and seen both ways', async () => {
    const alice = await (await startSuite(server, ALICE)).online();
    const bob = await startSlix(server, `${BOB}/slix`);
    await alice.chat(BOB);

    bob.tell({ do: 'presence', to: ALICE, type: 'subscribe' });
    await alice.see('events', event('subscribe', BOB));
    await alice.sh('presence -t "$1" subscribed', BOB);
    await bob.see('presence', (p) => p.from === ALICE && p.type === 'subscribed');
    await bob.see('presence', (p) => p.from === alice.full && p.type === '');

    await alice.sh('roster -a "$1" -n "Bob <&> Co" -g Friends; presence -t "$1" subscribe', BOB);
    await bob.see('presence', (p) => p.from === ALICE && p.type === 'subscribe');
    bob.tell({ do: 'presence', to: ALICE, type: 'subscribed' });
    await alice.see('events', event('subscribed', BOB));
    await alice.see(`${BOB}/presence`, /^online\n$/);
    const list = await alice.sh('roster');
    expect(list).toMatch(/bob@localhost.*both/);
    expect(list).toContain('Bob <&> Co');

    bob.tell({ do: 'presence', show: 'away', status: 'lunch <&> tea ☕' });
    await alice.see(`${BOB}/presence`, /^away lunch <&> tea ☕\n$/);
    await alice.sh('echo "dnd écrit <&>" > mypresence');
    await bob.see('presence', (p) => p.from === alice.full && p.show === 'dnd' && p.status === 'écrit <&>');
    await alice.sh('echo "xa for you" > "$1/mypresence"', BOB);
    await bob.see('presence', (p) => p.from === alice.full && p.show === 'xa' && p.status === 'for you');
    await alice.sh('rm "$1/mypresence"', BOB);
    const last = () => bob.all('presence').findLast((p) => p.from === alice.full);
    await bob.see('presence', () => last()?.show === 'dnd');

    const other = await startSlix(server, `${BOB}/other`);
    other.tell({ do: 'presence', show: 'chat' });
    await alice.see(`${BOB}/presence`, /^chat\n$/);
    await other.stop();
    await alice.see(`${BOB}/presence`, /^away lunch/);
    await bob.stop();
    await alice.see(`${BOB}/presence`, /^\n?$/);
    await alice.see('events', event('presence', BOB));

    const again = await startSlix(server, `${BOB}/slix`);
    await again.see('presence', (p) => p.from === alice.full && p.show === 'dnd');
    expect(await alice.stop()).toBe(0);
    await again.see('presence', (p) => p.from === alice.full && p.type === 'unavailable');
    expect(alice.complaints()).toBe('');
  });

  it('is known from the start, and withdrawn with the subscription', async () => {
    const carol = await startSlix(server, `${CAROL}/slix`);
    carol.tell({ do: 'presence', show: 'chat', status: 'here' });
    const first = await (await startSuite(server, ALICE)).online();
    await first.sh('presence -t "$1" subscribe', CAROL);
    await carol.see('presence', (p) => p.from === ALICE && p.type === 'subscribe');
    carol.tell({ do: 'presence', to: ALICE, type: 'subscribed' });
    await first.see(`${CAROL}/presence`, /^chat here\n$/);
    expect(await first.stop()).toBe(0);

    const alice = await (await startSuite(server, ALICE, { dir: first.dir })).online();
    await alice.see(`${CAROL}/presence`, /^chat here\n$/);
    carol.tell({ do: 'presence', to: ALICE, type: 'unsubscribed' });
    await alice.see('events', event('unsubscribed', CAROL));
    await alice.see(`${CAROL}/presence`, /^\n?$/);
    await alice.sh('roster -r "$1"', CAROL);
    expect(await alice.sh('roster')).not.toContain(CAROL);
  });

  it('is refused to those who are not wanted', async () => {
    const alice = await (await startSuite(server, ALICE)).online();
    const carol = await startSlix(server, `${CAROL}/slix`);
    carol.tell({ do: 'presence', to: ALICE, type: 'subscribe' });
    await alice.see('events', event('subscribe', CAROL));
    await alice.sh('presence -t "$1" unsubscribed', CAROL);
    await carol.see('presence', (p) => p.from === ALICE && p.type === 'unsubscribed');
    expect(carol.all('presence').filter((p) => p.from === alice.full)).toEqual([]);
  });
});
