import path from 'node:path';
import { descriptor } from '../lib/cli/descriptor.ts';
import { EXIT, Fatal } from '../lib/cli/exit.ts';
import { options } from '../lib/cli/options.ts';
import { run } from '../lib/cli/run.ts';
import { takeAck } from '../lib/session/inlet.ts';
import { runAlone } from '../lib/session/run-alone.ts';
import { runInSession } from '../lib/session/run-in-session.ts';
import { reason } from '../lib/sys/errno.ts';
import { inherited } from '../lib/sys/inherited.ts';
import { type Outlet, openOutlet } from '../lib/sys/outlet.ts';
import { accountDir, checkDirectory } from '../lib/tree/account.ts';
import { limitEvents } from '../lib/tree/events.ts';
import { xmppBackEnd } from '../lib/xmpp/back-end.ts';
import { bareOf } from '../lib/xmpp/jid/jid.ts';
import { mostSent, suiteLimits } from '../lib/xmpp/limits.ts';

const USAGE = 'messaged [-d DIR] [-i FD] [-L NAME=VALUE]... [-o FILE] -j JID';

run('messaged', async (say) => {
  const spec = { d: 'value', i: 'value', j: 'value', L: 'list', o: 'value' } as const;
  const { value, list, rest } = options(process.argv.slice(2), spec, USAGE);
  if (rest.length > 0) throw new Fatal(EXIT.usage, 'too many arguments', USAGE);
  if (value.j === undefined) throw new Fatal(EXIT.usage, 'whose messages? -j JID is needed', USAGE);
  const own = bareOf(value.j);
  if (own === null) throw new Fatal(EXIT.usage, `option -j: not a JID: ${value.j}`, USAGE);
  const limits = suiteLimits(list.L, process.env.SJ_LIMITS, USAGE);
  limitEvents(limits.events);
  const fd = value.i === undefined ? 0 : descriptor(value.i, '-i');
  if (inherited(fd) === null) throw new Fatal(EXIT.usage, `nothing to read on descriptor ${fd}`);
  const dir = accountDir(value.d);
  checkDirectory(dir);
  const target = value.o ?? path.join(dir, 'in');
  const backEnd = xmppBackEnd(limits);
  const given = {
    backEnd,
    dir,
    own,
    fd,
    out: open(target),
    target,
    stamp: process.env.SJ_STAMP,
    limits: { ...limits, send: mostSent(limits) },
    warn: say.warn,
  };
  if (takeAck(process.env)) await runInSession({ ...given, linger: Number(process.env.SJ_LINGER) || 0 });
  else await runAlone(given);
  return EXIT.ok;
});

function open(target: string): Outlet {
  try {
    return openOutlet(target);
  } catch (error) {
    throw new Fatal(EXIT.usage, `option -o: cannot write ${target}: ${reason(error)}`);
  }
}
