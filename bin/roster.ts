import { EXIT, Fatal, run } from '../lib/cli/die.ts';
import { options } from '../lib/cli/options.ts';
import { accountDir } from '../lib/files/account.ts';
import { ask, newId } from '../lib/iq/ask.ts';
import { rosterGet, rosterItems, rosterLine, rosterRemove, rosterSet } from '../lib/iq/roster.ts';
import { bareOf } from '../lib/jid/jid.ts';

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
  if (a !== undefined && r !== undefined) throw new Fatal(EXIT.usage, '-a and -r are not for the same time', USAGE);
  if (a === undefined && named) throw new Fatal(EXIT.usage, '-n and -g belong to -a', USAGE);
  const dir = accountDir(value.d);
  const id = newId('roster');

  if (a !== undefined) await ask(dir, rosterSet(id, contact(a, '-a'), n, groups));
  else if (r !== undefined) await ask(dir, rosterRemove(id, contact(r, '-r')));
  else {
    const items = rosterItems(await ask(dir, rosterGet(id)));
    process.stdout.write(items.map(rosterLine).join(''));
  }
  return EXIT.ok;
});
