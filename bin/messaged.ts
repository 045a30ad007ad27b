import path from 'node:path';
import { EXIT, Fatal, run } from '../lib/cli/die.ts';
import { descriptor, inherited } from '../lib/cli/inherited.ts';
import { options } from '../lib/cli/options.ts';
import { accountDir } from '../lib/files/account.ts';
import { openOutlet } from '../lib/files/outlet.ts';
import { watchTree } from '../lib/files/watch.ts';
import { bareOf } from '../lib/jid/jid.ts';
import { createMessaged } from '../lib/message/daemon.ts';
import { readStanzas } from '../lib/xml/feed.ts';

const USAGE = 'messaged [-d DIR] [-i FD] [-o FILE] -j JID';

/** Writers who are about to write when the session ends have so many milliseconds. */
const GRACE = 250;

run('messaged', async (say) => {
  const { value, rest } = options(process.argv.slice(2), { d: 'value', i: 'value', j: 'value', o: 'value' }, USAGE);
  if (rest.length > 0 || value.j === undefined) throw new Fatal(EXIT.usage, 'option -j JID is needed, and no arguments', USAGE);
  const own = bareOf(value.j);
  if (own === null) throw new Fatal(EXIT.usage, `option -j: not a JID: ${value.j}`, USAGE);
  const fd = value.i === undefined ? 0 : descriptor(value.i, '-i');
  if (inherited(fd) === null) throw new Fatal(EXIT.usage, `nothing to read on descriptor ${fd}`);
  const dir = accountDir(value.d);
  const target = value.o ?? path.join(dir, 'in');

  const outlet = openOutlet(target);
  outlet.onError((error) => say.warn(`cannot write ${target}: ${error.message}`));
  const messaged = createMessaged({ dir, own, outlet, stamp: process.env['SJ_STAMP'], warn: say.warn });
  const { chats } = messaged;
  outlet.onDrain(chats.resume);
  const scan = () => void chats.scan();
  const tree = watchTree(dir, { base: (name) => void chats.look(name), rescan: scan });
  process.on('SIGHUP', scan);
  // A terminal's ^C reaches the whole group, and sj closes our input when it is our turn.
  process.on('SIGINT', () => {});
  await chats.scan();
  await new Promise<void>((end) => {
    process.on('SIGTERM', end);
    readStanzas(fd, {
      stanza: messaged.stanza,
      batchEnd: messaged.flush,
      skipped: (why) => say.warn(`skipped what is no stanza: ${why}`),
      end,
    });
  });
  await chats.drain(GRACE);
  messaged.flush();
  tree.close();
  await outlet.end();
  // After SIGTERM the input is still open.
  setImmediate(() => process.exit(EXIT.ok));
  return EXIT.ok;
});
