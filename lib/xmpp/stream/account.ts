/** The account that a session is for, from what the user said. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { JidError, parseJid } from '../jid/jid.ts';

/** The localpart and domain in normal form. @throws Fatal 100 if they are no JID */
export function accountOf(user: string, domain: string): { user: string; domain: string } {
  try {
    const jid = parseJid(`${user}@${domain}`);
    if (jid.resource !== '' || jid.local === '') throw new Fatal(EXIT.usage, `not an account: ${user}@${domain}`);
    return { user: jid.local, domain: jid.domain };
  } catch (error) {
    if (error instanceof JidError) throw new Fatal(EXIT.usage, `not an account: ${user}@${domain}: ${error.message}`);
    throw error;
  }
}

/** A resource that stays the same for a directory on a machine, so that two of them do not throw each other out. */
export async function createResource(dir: string): Promise<string> {
  // Loaded only where it is needed: it takes as long to load as all the rest of Node that we use.
  const os = await import('node:os');
  const place = createHash('sha256').update(`${os.hostname()}\0${fs.realpathSync(dir)}`);
  return `sj.${place.digest('hex').slice(0, 8)}`;
}
