/** The contact list as `roster` uses it: what is asked of the server, and what is made of its answers. */
import { EXIT, Fatal } from '../../cli/exit.ts';
import { printable } from '../../sys/printable.ts';
import { readRequests } from '../../tree/requests-file.ts';
import { bareOf } from '../jid/jid.ts';
import { ask, newId, Refused } from './ask.ts';
import { hasRoster, type RosterItem, rosterGet, rosterItems, rosterRemove, shownAs } from './roster.ts';

/** @throws Fatal as `ask`; 76 if the answer holds no contact list */
export async function listRoster(dir: string): Promise<RosterItem[]> {
  const answer = await ask(dir, rosterGet(newId('roster')));
  if (!hasRoster(answer)) throw new Fatal(EXIT.protocol, 'the answer holds no contact list');
  return rosterItems(answer, readRequests(dir));
}

/**
 * Removes a contact. The address is in normal form where it has one. Lists also hold addresses that are no JIDs, or not
 * in normal form; such a one goes to the server as it came from there.
 * @param text an address, or what `roster` shows for one
 * @throws Fatal as `ask`; 100 if no contact is shown so
 */
export async function removeContact(dir: string, text: string): Promise<void> {
  const remove = (jid: string) => ask(dir, rosterRemove(newId('roster'), jid));
  if (text.includes('\ufffd')) {
    await remove(await meant(dir, text));
    return;
  }
  const normal = bareOf(text) ?? text;
  try {
    await remove(normal);
  } catch (error) {
    if (normal === text || !(error instanceof Refused) || error.condition !== 'item-not-found') throw error;
    await remove(text);
  }
}

/** The address of the contact that is shown so. */
async function meant(dir: string, text: string): Promise<string> {
  const [item, ...more] = shownAs(await listRoster(dir), text);
  if (item === undefined) throw new Fatal(EXIT.usage, `no contact is shown as ${printable(text)}`);
  if (more.length > 0) throw new Fatal(EXIT.usage, `several contacts are shown as ${printable(text)}`);
  return item.jid;
}
