import path from 'node:path';
import { descriptor } from '../lib/cli/descriptor.ts';
import { EXIT, Fatal } from '../lib/cli/exit.ts';
import { options } from '../lib/cli/options.ts';
import { run } from '../lib/cli/run.ts';
import { takeAck } from '../lib/session/inlet.ts';
import { presenced } from '../lib/session/presence-daemon.ts';
import { inherited } from '../lib/sys/inherited.ts';
import { openOutlet } from '../lib/sys/outlet.ts';
import { accountDir, checkDirectory } from '../lib/tree/account.ts';
import { limitEvents } from '../lib/tree/events.ts';
import { xmppBackEnd } from '../lib/xmpp/back-end.ts';
import { bareOf } from '../lib/xmpp/jid/jid.ts';
import { suiteLimits } from '../lib/xmpp/limits.ts';

const USAGE = 'presenced [-d DIR] [-i FD] [-L NAME=VALUE]... [-o FILE]';

run('presenced', async (say) => {
  const spec = { d: 'value', i: 'value', L: 'list', o: 'value' } as const;
  const { value, list, rest } = options(process.argv.slice(2), spec, USAGE);
  if (rest.length > 0) throw new Fatal(EXIT.usage, 'too many arguments', USAGE);
  const limits = suiteLimits(list.L, process.env.SJ_LIMITS, USAGE);
  limitEvents(limits.events);
  const fd = value.i === undefined ? 0 : descriptor(value.i, '-i');
  if (inherited(fd) === null) throw new Fatal(EXIT.usage, `nothing to read on descriptor ${fd}`);
  const dir = accountDir(value.d);
  checkDirectory(dir);
  const target = value.o ?? path.join(dir, 'in');
  const own = bareOf(process.env.SJ_JID ?? '');
  const ack = takeAck(process.env);
  await presenced({
    backEnd: xmppBackEnd(limits),
    dir,
    fd,
    out: openOutlet(target),
    target,
    own,
    ack,
    limits,
    warn: say.warn,
  });
  // After SIGTERM the input is still open.
  setImmediate(() => process.exit(EXIT.ok));
  return EXIT.ok;
});
