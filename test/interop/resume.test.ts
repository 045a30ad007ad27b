/** What becomes of a session whose connection, or whose sj, is suddenly gone (XEP-0198). */
import { describe, expect, it } from 'vitest';
import { ejabberd } from './bed/ejabberd.ts';
import { prosody } from './bed/prosody.ts';
import { startRelay } from './bed/relay.ts';
import { until } from './bed/until.ts';
import { useServer } from './bed/use-server.ts';
import { startSlix } from './peers/slix.ts';
import { startSuite } from './suite.ts';

const ALICE = 'alice@localhost';
const BOB = 'bob@localhost';

const count = (text: string, what: string) => text.split(what).length - 1;

describe.each([prosody, ejabberd])('on $name, the next sj', (kind) => {
  const server = useServer(kind);

  it('is of one who sees the other', async () => {
    const alice = await (await startSuite(server, ALICE)).online();
    const bob = await startSlix(server, `${BOB}/slix`);
    await alice.sh('presence -t "$1" subscribe', BOB);
    await bob.see('presence', (p) => p.type === 'subscribe');
    bob.tell({ do: 'presence', to: ALICE, type: 'subscribed' });
    await alice.see('events', `\tsubscribed\t${BOB}\t`);
    expect(await alice.stop()).toBe(0);
  });

  it.each(['the connection breaks', 'nothing passes any more', 'sj is killed'])(
    'resumes the session when %s',
    async (how) => {
      const relay = await startRelay(server.port.starttls);
      const first = await (await startSuite(server, ALICE, { port: relay.port, options: ['-t', '4'] })).online();
      const bob = await startSlix(server, `${BOB}/slix`);
      await first.chat(BOB);
      bob.tell({ do: 'presence', show: 'away' });
      await first.see(`${BOB}/presence`, /^away/);
      await first.say(BOB, 'one');
      await bob.see('message', (m) => m.body === 'one');
      bob.tell({ do: 'message', to: first.full, body: 'uno' });
      await first.see(`${BOB}/out`, 'uno\n');

      if (how === 'the connection breaks') relay.cut();
      else if (how === 'sj is killed') process.kill(first.pid(), 'SIGKILL');
      else relay.hold();
      // Whether this still arrives on the old connection or not, it is not lost, and not said twice.
      bob.tell({ do: 'message', to: first.full, body: 'due' });
      if (how === 'nothing passes any more') await first.say(BOB, 'two');
      expect(await first.job.end()).toBe(how === 'sj is killed' ? 'SIGKILL' : 111);

      const { dir } = first;
      const second = await (await startSuite(server, ALICE, { dir })).online();
      // ejabberd is slow to write its log down.
      await until('the session to be resumed', () => /<resumed /.test(server.log()));
      bob.tell({ do: 'message', to: second.full, body: 'tre' });
      const out = await second.see(`${BOB}/out`, 'tre\n');
      await second.say(BOB, 'three');
      await bob.see('message', (m) => m.body === 'three');
      await second.see(`${BOB}/presence`, /^away/);
      for (const text of ['uno', 'due', 'tre']) expect(count(out, `> ${text}\n`), text).toBe(1);
      for (const text of ['one', 'three']) expect(bob.all('message').filter((m) => m.body === text)).toHaveLength(1);
      if (how === 'nothing passes any more') {
        expect(bob.all('message').filter((m) => m.body === 'two')).toHaveLength(1);
        expect(count(second.read(`${BOB}/out`), '> two\n')).toBe(1);
      }
      expect(await second.stop()).toBe(0);
    },
  );
});
