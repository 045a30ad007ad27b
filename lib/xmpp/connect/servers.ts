import { EXIT, Fatal } from '../../cli/exit.ts';
import type { Say } from '../../cli/messages.ts';
import { accountDir } from '../../tree/account.ts';
import { readFloor } from '../sasl/floor-file.ts';
import { keptPlace } from '../stream/location.ts';
import type { Arguments } from './arguments.ts';
import { findServers } from './find.ts';
import { srvResolver } from './resolve.ts';
import { parseTarget, type Target } from './target.ts';

/** How long, in ms, the SRV lookups may take together. */
const LOOKUP_LIMIT = 5000;

/**
 * Where to look for the server, in this order: where a session would rather be resumed, then what DNS says now; or only
 * there where the user says.
 * @param stop gives the lookup up, and what is found then is of no use
 * @throws Fatal 100 if the domain says that it has no XMPP for clients; 111 if the account has been online before, since
 * anybody on the way can forge an answer of DNS
 */
export async function servers(args: Arguments, say: Say, stop?: AbortSignal): Promise<Target[]> {
  const { account, domain, target, want } = args;
  if (target !== undefined) return [target];
  const kept = keptPlace(accountDir(args.dir), account);
  const place = kept === null ? null : parseTarget(kept, want === 'direct');
  const { resolve, close } = srvResolver(LOOKUP_LIMIT);
  stop?.addEventListener('abort', close, { once: true });
  const { targets, warning } = await findServers(domain, want, resolve)
    .finally(close)
    .catch((error: unknown) => {
      if (!(error instanceof Fatal) || !hasBeenOnline(args)) throw error;
      throw new Fatal(EXIT.temporary, error.message);
    });
  if (warning !== undefined && !stop?.aborted) say.warn(warning);
  return place === null ? targets : [place, ...targets.filter((one) => !same(one, place))];
}

/** Whether the account has logged in from its directory before. */
export const hasBeenOnline = ({ account, dir }: Pick<Arguments, 'account' | 'dir'>): boolean =>
  readFloor(accountDir(dir), account) !== null;

export const same = (a: Target, b: Target): boolean => a.host === b.host && a.port === b.port && a.tls === b.tls;
