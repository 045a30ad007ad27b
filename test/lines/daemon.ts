/** `daemon.ts messages|presence DIR OWN`: serves a directory for the line protocol on descriptors 0 and 3. */
import { CHAT_LIMITS } from '../../lib/chat/limits.ts';
import { run } from '../../lib/cli/run.ts';
import { PRESENCE_LIMITS } from '../../lib/presence/limits.ts';
import { presenced } from '../../lib/session/presence-daemon.ts';
import { runInSession } from '../../lib/session/run-in-session.ts';
import { openOutlet } from '../../lib/sys/outlet.ts';
import { LINES } from './back-end.ts';

run('lines', async ({ warn }) => {
  const [role, dir = '', own = ''] = process.argv.slice(2);
  const target = '/dev/fd/3';
  const common = { backEnd: LINES, dir, own, fd: 0, out: openOutlet(target), target, warn };
  if (role === 'messages') await runInSession({ ...common, stamp: undefined, limits: CHAT_LIMITS, linger: 0 });
  else await presenced({ ...common, ack: true, limits: PRESENCE_LIMITS });
  setImmediate(() => process.exit(0));
  return 0;
});
