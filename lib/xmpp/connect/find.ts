import { NODATA, NOTFOUND } from 'node:dns';
import { isIP } from 'node:net';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { errno } from '../../sys/errno.ts';
import { orderTargets, type SrvRecord } from './srv.ts';
import { asciiName, STARTTLS_PORT, type Target, TLS_PORT } from './target.ts';

/** Which targets will do: direct TLS only, STARTTLS (or no TLS) only, or both. */
export type Want = 'direct' | 'starttls' | 'both';

export type Found = { targets: Target[]; warning?: string };

/** An SRV lookup; rejects with the codes of node:dns. The root, ".", is the empty name. */
export type Resolve = (name: string) => Promise<readonly Omit<SrvRecord, 'tls'>[]>;

/**
 * Where the server of an XMPP domain may be, in the order in which to try (RFC 6120 3.2, XEP-0368). A domain without
 * SRV records is its own target, and so is one whose DNS doesn't answer: whom we reach is proved by its certificate,
 * so a wrong address can do no harm.
 * @param domain a domainpart (RFC 7622), an address literal included
 * @throws Fatal 100 if the domain says that it has no XMPP for clients, or can't be a name in DNS
 */
export async function findServers(
  domain: string,
  want: Want,
  resolve: Resolve,
  random: () => number = Math.random,
): Promise<Found> {
  const literal = domain.replace(/^\[(.*)\]$/, '$1');
  if (isIP(literal)) return { targets: [itself(literal, want)] };
  const name = asciiName(domain);
  if (name === '') throw new Fatal(EXIT.usage, `not a domain name: ${domain}`);
  if (/(^|\.)localhost$/.test(name)) return { targets: [itself(name, want)] };

  const [direct, starttls] = await Promise.all([
    want === 'starttls' ? NONE : lookUp(`_xmpps-client._tcp.${name}`, true, resolve),
    want === 'direct' ? NONE : lookUp(`_xmpp-client._tcp.${name}`, false, resolve),
  ]);
  const targets = orderTargets([...direct.records, ...starttls.records], random);
  if (targets.length > 0) return { targets };
  // One service that is decidedly not there, and no word of the other: no fallback to addresses (XEP-0368).
  if (direct.refused || starttls.refused) {
    throw new Fatal(EXIT.usage, `${domain} offers no XMPP to clients, says its DNS`);
  }
  const failed = [direct, starttls].flatMap((answer) => answer.failed ?? []);
  const found: Found = { targets: [itself(name, want)] };
  if (failed.length === (want === 'both' ? 2 : 1)) {
    found.warning = `cannot look up the SRV records of ${domain} (${failed[0]}): trying the domain itself`;
  }
  return found;
}

function itself(host: string, want: Want): Target {
  const tls = want === 'direct';
  return { host, port: tls ? TLS_PORT : STARTTLS_PORT, tls };
}

type Answer = {
  records: SrvRecord[];
  /** The only record is ".": "the service is decidedly not available at this domain" (RFC 2782). */
  refused: boolean;
  /** Why there is no answer at all, as opposed to an answer without records. */
  failed?: string;
};

const NONE: Answer = { records: [], refused: false };

async function lookUp(name: string, tls: boolean, resolve: Resolve): Promise<Answer> {
  try {
    const records = await resolve(name);
    return {
      records: records.filter(usable).map((record) => ({ ...record, tls })),
      refused: records.length > 0 && records.every((record) => record.name === '' || record.name === '.'),
    };
  } catch (error) {
    const code = errno(error);
    return code === NOTFOUND || code === NODATA ? NONE : { ...NONE, failed: code || String(error) };
  }
}

function usable({ name, port }: { name: string; port: number }): boolean {
  return name !== '' && name !== '.' && port > 0;
}
