import { Resolver } from 'node:dns/promises';
import type { Resolve } from './find.ts';

/**
 * SRV lookups that all together end within `limit` ms: what has no answer by then fails with ECANCELLED or ETIMEOUT.
 * `close` gives up what is still asked.
 * @param servers the name servers to ask (`address:port`), by default those of the system
 */
export function srvResolver(limit: number, servers?: readonly string[]): { resolve: Resolve; close: () => void } {
  const resolver = new Resolver({ timeout: limit / 2, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const timer = setTimeout(() => resolver.cancel(), limit);
  const close = () => {
    clearTimeout(timer);
    resolver.cancel();
  };
  return { resolve: (name) => resolver.resolveSrv(name), close };
}
