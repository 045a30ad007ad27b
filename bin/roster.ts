import { EXIT, Fatal } from '../lib/cli/exit.ts';
import { options } from '../lib/cli/options.ts';
import { print } from '../lib/cli/print.ts';
import { run } from '../lib/cli/run.ts';
import { accountDir, checkDirectory } from '../lib/tree/account.ts';
import { isXmlText } from '../lib/xml/chars.ts';
import { ask, newId } from '../lib/xmpp/iq/ask.ts';
import { listRoster, removeContact } from '../lib/xmpp/iq/contact-list.ts';
import { rosterLine, rosterSet } from '../lib/xmpp/iq/roster.ts';
import { bareOf } from '../lib/xmpp/jid/jid.ts';

const USAGE = 'roster [-d DIR] [-a JID [-n NAME] [-g GROUP]... | -r JID]';

/** The bare JID of an option, in normal form. */
function contact(text: string, option: string): string {
  const bare = bareOf(text);
  if (bare === null) throw new Fatal(EXIT.usage, `option ${option}: not a JID: ${text}`, USAGE);
  return bare;
}

run('roster', async () => {
  const spec = { d: 'value', a: 'value', n: 'value', g: 'list', r: 'value' } as const;
  const { value, list, rest } = options(process.argv.slice(2), spec, USAGE);
  const { a, r, n } = value;
  const groups = list.g;
  const named = n !== undefined || groups.length > 0;
  if (rest.length > 0) throw new Fatal(EXIT.usage, 'too many arguments', USAGE);
  if (a !== undefined && r !== undefined) throw new Fatal(EXIT.usage, '-a and -r are mutually exclusive', USAGE);
  if (a === undefined && named) throw new Fatal(EXIT.usage, '-n and -g belong to -a', USAGE);
  const plain = (option: string) => (text: string) => {
    if (!isXmlText(text)) throw new Fatal(EXIT.usage, `option ${option}: a character that XML cannot carry`, USAGE);
  };
  if (n !== undefined) plain('-n')(n);
  groups.forEach(plain('-g'));
  if (r !== undefined) plain('-r')(r);
  if (r === '') throw new Fatal(EXIT.usage, 'option -r: not a JID: ', USAGE);
  const dir = accountDir(value.d);
  checkDirectory(dir, 'account');

  if (a !== undefined) await ask(dir, rosterSet(newId('roster'), contact(a, '-a'), n, groups));
  else if (r !== undefined) await removeContact(dir, r);
  else await print((await listRoster(dir)).map(rosterLine).join(''));
  return EXIT.ok;
});
