import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** Where a server may be found: a host name or an address, and whether TLS begins at once there (XEP-0368). */
export type Target = { host: string; port: number; tls: boolean };

/** RFC 6120 14.7 */
export const STARTTLS_PORT = 5222;
/** No standard names a port for direct TLS; this is the one in use. */
export const TLS_PORT = 5223;

/**
 * The target that `-H` names: `host`, `host:port`, `[::1]`, `[::1]:port`, or an IPv6 address alone. Names outside ASCII
 * come out as A-labels.
 * @returns null if it is none of these
 */
export function parseTarget(text: string, tls: boolean): Target | null {
  const port = tls ? TLS_PORT : STARTTLS_PORT;
  if (isIPv6(text)) return { host: text, port, tls };
  const parts = /^(?:\[([^\]]+)\]|([^:[\]/?#@\s]+))(?::([1-9][0-9]{0,4}))?$/.exec(text);
  if (parts === null) return null;
  const [, address, name, number] = parts;
  const host = address === undefined ? asciiName(name!) : isIPv6(address) ? address : '';
  const given = number === undefined ? port : Number(number);
  return host === '' || given > 65535 ? null : { host, port: given, tls };
}

/** A domain name as DNS has it: A-labels, no final dot; the empty string if it can't be one. */
export function asciiName(name: string): string {
  const ascii = domainToASCII(name).replace(/\.$/, '');
  return /^\.|\.\.|\.$/.test(ascii) ? '' : ascii;
}

/** `host:port` as people write it. */
export function showTarget(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
