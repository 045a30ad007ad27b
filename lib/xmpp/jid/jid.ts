/** Addresses of XMPP (JIDs) and their one normal form, RFC 7622. */
import { domainpart } from './domain.ts';
import { localpart } from './local.ts';
import { oddBare } from './odd.ts';
import { checkLength, type Fault, LIMIT, opaqueString, PrecisError } from './precis.ts';

/** An address in normal form. A part that is not there is the empty string. */
export type Jid = { readonly local: string; readonly domain: string; readonly resource: string };

type DaemonSession = 'local' | 'domain' | 'resource';

/** A text that is no address. Its message holds nothing of the text but the names of code points (`U+0020`). */
export class JidError extends Error {
  /** Which part, and what is wrong with it: stable, for programs. */
  readonly code: `${DaemonSession}-${Fault}`;

  constructor(part: DaemonSession, fault: Fault, message: string) {
    super(message);
    this.code = `${part}-${fault}`;
  }
}

/** The most UTF-16 units that are looked at at all: no mapping makes a text of more than that fit. */
const RAW_LIMIT = 4 * LIMIT;

const LABEL = '(?!xn--)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
/** ASCII that is in normal form already: nearly every address that is ever seen. */
const PLAIN = new RegExp(`^(?:([!#-%(-.0-9;=?[-~]{1,${LIMIT}})@)?(${LABEL}(?:\\.${LABEL})*)(?:/([ -~]{1,${LIMIT}}))?$`);

/**
 * Reads an address and brings it into normal form.
 * @throws JidError if it is none
 */
export function parseJid(text: string): Jid {
  const plain = text.length <= 3 * LIMIT + 2 ? PLAIN.exec(text) : null;
  if (plain && plain[2]!.length <= LIMIT) return { local: plain[1] ?? '', domain: plain[2]!, resource: plain[3] ?? '' };
  const { local, domain, resource } = split(text);
  return {
    local: local === undefined ? '' : enforce('local', local, localpart),
    domain: enforce('domain', domain, domainpart),
    resource: resource === undefined ? '' : enforce('resource', resource, opaqueString),
  };
}

/** As `parseJid`, but null for what is no address. */
export function tryJid(text: string): Jid | null {
  try {
    return parseJid(text);
  } catch (error) {
    if (error instanceof JidError) return null;
    throw error;
  }
}

/** `local@domain`, or `domain`. */
export const bare = (jid: Jid): string => (jid.local === '' ? jid.domain : `${jid.local}@${jid.domain}`);

/** `local@domain/resource`, as far as the parts are there. */
export const full = (jid: Jid): string => (jid.resource === '' ? bare(jid) : `${bare(jid)}/${jid.resource}`);

/**
 * The bare JID that an address belongs to, in normal form; null for what is no address. The resource is not looked at
 * as long as there is something in it: a nick that an old server let through makes nobody a stranger. Nor does a
 * localpart or domainpart, see `odd.ts`.
 */
export function bareOf(text: string): string | null {
  const slash = text.indexOf('/');
  if (slash === text.length - 1) return null;
  const front = slash < 0 ? text : text.slice(0, slash);
  const jid = tryJid(front);
  if (jid !== null) return bare(jid);
  if (front.length > RAW_LIMIT) return null;
  const { local, domain } = split(front);
  return oddBare(local, domain);
}

/** An address that something can be sent to, as `bareOf` takes it: its bare form and its full one; null for none. */
export function addressOf(text: string): { readonly bare: string; readonly full: string } | null {
  const jid = tryJid(text);
  if (jid !== null) return { bare: bare(jid), full: full(jid) };
  const odd = bareOf(text);
  if (odd === null || tryJid(odd) !== null) return null;
  const slash = text.indexOf('/');
  if (slash < 0) return { bare: odd, full: odd };
  const resource = tryJid(`x${text.slice(slash)}`);
  return resource === null ? null : { bare: odd, full: `${odd}/${resource.resource}` };
}

/** The first slash ends the bare JID, and the first @ in that ends the localpart. */
function split(text: string): { local: string | undefined; domain: string; resource: string | undefined } {
  const slash = text.indexOf('/');
  const front = slash < 0 ? text : text.slice(0, slash);
  const at = front.indexOf('@');
  return {
    local: at < 0 ? undefined : front.slice(0, at),
    domain: front.slice(at + 1),
    resource: slash < 0 ? undefined : text.slice(slash + 1),
  };
}

function enforce(part: DaemonSession, text: string, profile: (text: string) => string): string {
  try {
    if (text.length > RAW_LIMIT) throw new PrecisError('long', `is longer than ${LIMIT} octets`);
    const normal = profile(text);
    checkLength(normal);
    return normal;
  } catch (error) {
    if (error instanceof PrecisError) throw new JidError(part, error.fault, `the ${part}part ${error.message}`);
    throw error;
  }
}
