import path from 'node:path';
import { EXIT, Fatal } from '../lib/cli/exit.ts';
import { options } from '../lib/cli/options.ts';
import { run } from '../lib/cli/run.ts';
import { reason } from '../lib/sys/errno.ts';
import { openOutlet } from '../lib/sys/outlet.ts';
import { accountDir, checkDirectory } from '../lib/tree/account.ts';
import { canonical } from '../lib/xml/write.ts';
import { askedStanza } from '../lib/xmpp/codec/subscription.ts';

const USAGE = 'presence [-d DIR] [-p PRIORITY] [-S STATUS] [-s SHOW] [-t TO] [TYPE]';

run('presence', async () => {
  const spec = { d: 'value', p: 'value', S: 'value', s: 'value', t: 'value' } as const;
  const { value, rest } = options(process.argv.slice(2), spec, USAGE);
  if (rest.length > 1) throw new Fatal(EXIT.usage, 'too many arguments', USAGE);
  const { p: priority, S: status, s: show, t: to } = value;
  const stanza = askedStanza({ to, type: rest[0], show, status, priority }, USAGE);

  const dir = accountDir(value.d);
  checkDirectory(dir, 'account');
  const target = path.join(dir, 'in');
  const outlet = openOutlet(target);
  const failures: Error[] = [];
  outlet.onError((error) => void failures.push(error));
  outlet.send(canonical(stanza));
  await outlet.end();
  if (failures[0] !== undefined) throw new Fatal(EXIT.temporary, `cannot write ${target}: ${reason(failures[0])}`);
  return EXIT.ok;
});
