/**
 * Addresses, as far as this server needs them: lower case and NFC instead of the profiles of RFC 7622. It is for names
 * like `alice@localhost`; what clients do with stranger ones is tested with `inject`.
 */

export type Jid = { local: string; domain: string; resource: string; bare: string; full: string };

/** @returns undefined where the text is no address */
export function parseJid(s: string): Jid | undefined {
  const slash = s.indexOf('/');
  const head = (slash < 0 ? s : s.slice(0, slash)).toLowerCase().normalize('NFC');
  const resource = slash < 0 ? '' : s.slice(slash + 1).normalize('NFC');
  const at = head.indexOf('@');
  const local = at < 0 ? '' : head.slice(0, at);
  const domain = head.slice(at + 1);
  if (domain === '' || at === 0 || (slash >= 0 && resource === '')) return undefined;
  if (/[\s"&'/:<>@\p{Cc}]/u.test(local) || /[\s@\p{Cc}]/u.test(domain) || /\p{Cc}/u.test(resource)) return undefined;
  if ([local, domain, resource].some((part) => Buffer.byteLength(part) > 1023)) return undefined;
  return { local, domain, resource, bare: head, full: resource === '' ? head : `${head}/${resource}` };
}

export const bareOf = (jid: string): string => parseJid(jid)?.bare ?? jid;
