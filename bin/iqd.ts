import { join } from 'node:path';
import { descriptor } from '../lib/cli/descriptor.ts';
import { EXIT, Fatal } from '../lib/cli/exit.ts';
import { options } from '../lib/cli/options.ts';
import { run } from '../lib/cli/run.ts';
import { takeAck } from '../lib/session/inlet.ts';
import { reason } from '../lib/sys/errno.ts';
import { inherited } from '../lib/sys/inherited.ts';
import { type Outlet, openOutlet } from '../lib/sys/outlet.ts';
import { accountDir, checkDirectory } from '../lib/tree/account.ts';
import { limitEvents } from '../lib/tree/events.ts';
import { runIqd } from '../lib/xmpp/iq/daemon.ts';
import { shippedDirectory } from '../lib/xmpp/iq/handler.ts';
import { queueLimits } from '../lib/xmpp/iq/queue.ts';
import { bareOf } from '../lib/xmpp/jid/jid.ts';
import { daemonLimits, suiteLimits } from '../lib/xmpp/limits.ts';

const USAGE = 'iqd [-d DIR] [-i FD] [-L NAME=VALUE]... [-o FILE]';

run('iqd', async (say) => {
  const spec = { d: 'value', i: 'value', L: 'list', o: 'value' } as const;
  const { value, list, rest } = options(process.argv.slice(2), spec, USAGE);
  if (rest.length > 0) throw new Fatal(EXIT.usage, 'too many arguments', USAGE);
  const limits = suiteLimits(list.L, process.env.SJ_LIMITS, USAGE);
  limitEvents(limits.events);
  const fd = value.i === undefined ? 0 : descriptor(value.i, '-i');
  if (inherited(fd) === null) throw new Fatal(EXIT.usage, `nothing to read on descriptor ${fd}`);
  const dir = accountDir(value.d);
  checkDirectory(dir);
  const target = value.o ?? join(dir, 'in');
  const shipped = shippedDirectory(process.env.SJ_EXT, process.argv[1]!);
  const ack = takeAck(process.env);
  await runIqd({
    dir,
    shipped,
    fd,
    out: open(target),
    target,
    own: process.env.SJ_JID,
    env: process.env,
    ack,
    limits: daemonLimits(limits),
    run: { time: limits.time * 1000, output: limits.output },
    queue: queueLimits(limits.handlers),
    bareOf,
    warn: say.warn,
  });
  return EXIT.ok;
});

function open(target: string): Outlet {
  try {
    return openOutlet(target);
  } catch (error) {
    throw new Fatal(EXIT.usage, `option -o: cannot write ${target}: ${reason(error)}`);
  }
}
