import { statSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, Fatal, reason, run } from '../lib/cli/die.ts';
import { descriptor, inherited } from '../lib/cli/inherited.ts';
import { daemonLimits, readLimits } from '../lib/cli/limits.ts';
import { options } from '../lib/cli/options.ts';
import { accountDir } from '../lib/files/account.ts';
import { logEvent } from '../lib/files/events.ts';
import { type Outlet, openOutlet } from '../lib/files/outlet.ts';
import { createIqd } from '../lib/iq/daemon.ts';
import { createDelivery } from '../lib/iq/deliver.ts';
import { shippedDirectory } from '../lib/iq/handler.ts';
import { queueLimits } from '../lib/iq/queue.ts';
import { bareOf } from '../lib/jid/jid.ts';
import { type Feed, readStanzas } from '../lib/xml/feed.ts';

const USAGE = 'iqd [-d DIR] [-i FD] [-L NAME=VALUE]... [-o FILE]';

/** What is still on its way at the end of the input gets so many milliseconds. */
const HANDLERS_END = 1500;
const ANSWERS_END = 1000;
const SENDING_END = 500;

run('iqd', async (say) => {
  const spec = { d: 'value', i: 'value', L: 'list', o: 'value' } as const;
  const { value, list, rest } = options(process.argv.slice(2), spec, USAGE);
  if (rest.length > 0) throw new Fatal(EXIT.usage, 'too many arguments', USAGE);
  const limits = readLimits(list.L, process.env.SJ_LIMITS, USAGE);
  const fd = value.i === undefined ? 0 : descriptor(value.i, '-i');
  if (inherited(fd) === null) throw new Fatal(EXIT.usage, `nothing to read on descriptor ${fd}`);
  const dir = accountDir(value.d);
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Fatal(EXIT.usage, `cannot open ${dir}: not a directory`);
  }
  const target = value.o ?? join(dir, 'in');
  const outlet = open(target);
  let feed: Feed | undefined;
  outlet.onError((error) => say.warn(`cannot write ${target}: ${reason(error)}`));
  outlet.onDrain(() => feed?.resume());

  const delivery = createDelivery(dir, (id, why) => {
    say.warn(`dropped the answer ${id}: ${why}`);
    logEvent(dir, 'error', '', `answer ${id}: ${why}`);
  });
  const iqd = createIqd({
    dir,
    shipped: shippedDirectory(process.env.SJ_EXT, process.argv[1]!),
    own: process.env.SJ_JID,
    env: process.env,
    delivery,
    bareOf,
    send: (line) => {
      if (!outlet.send(line)) feed?.pause();
    },
    warn: say.warn,
    run: { time: limits.time * 1000, output: limits.output },
    queue: queueLimits(limits.handlers),
  });

  // A terminal's ^C reaches the whole group, and sj closes our input when it is our turn.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  await new Promise<void>((end) => {
    process.on('SIGTERM', end);
    feed = readStanzas(
      fd,
      {
        stanza: (element, raw) => iqd.stanza(element, raw),
        batchEnd: () => {},
        skipped: (why) => say.warn(`skipped what is no stanza: ${why}`),
        end,
      },
      daemonLimits(limits),
    );
  });
  // Nothing makes it go on any more.
  const input: Feed | undefined = feed;
  feed = undefined;
  input?.pause();
  await Promise.all([iqd.drain(HANDLERS_END), delivery.drain(ANSWERS_END)]);
  await outlet.end(SENDING_END);
  return EXIT.ok;
});

function open(target: string): Outlet {
  try {
    return openOutlet(target);
  } catch (error) {
    throw new Fatal(EXIT.usage, `option -o: cannot write ${target}: ${reason(error)}`);
  }
}
