/** As much of DER (X.690) as it takes to find the signature algorithm of a certificate. Every step is bounds-checked. */

import { EXIT } from '../../cli/exit.ts';
import { SaslError } from './error.ts';

/** One element: its tag, and where its contents begin and end. */
export type Element = { tag: number; start: number; end: number };

export function malformed(): SaslError {
  return new SaslError('bad-certificate', EXIT.protocol, "the server's certificate is not DER");
}

/**
 * The element at `at`, which must end no later than `limit`.
 * @param tag the tag it must have, if any
 * @throws SaslError bad-certificate
 */
export function element(der: Uint8Array, at: number, limit: number, tag?: number): Element {
  if (at + 2 > limit || limit > der.length) throw malformed();
  const found = der[at]!;
  if ((found & 0x1f) === 0x1f || (tag !== undefined && found !== tag)) throw malformed();
  let length = der[at + 1]!;
  let start = at + 2;
  if (length >= 0x80) {
    const size = length & 0x7f;
    if (size === 0 || size > 4 || start + size > limit) throw malformed();
    length = 0;
    for (let i = 0; i < size; i++) length = length * 256 + der[start++]!;
    // DER has one form only: the shortest.
    if (length < 0x80 || length < 256 ** (size - 1)) throw malformed();
  }
  const end = start + length;
  if (end > limit) throw malformed();
  return { tag: found, start, end };
}

/**
 * The elements that a constructed one consists of.
 * @throws SaslError bad-certificate unless they fill it exactly
 */
export function children(der: Uint8Array, parent: Element): Element[] {
  const list: Element[] = [];
  for (let at = parent.start; at < parent.end; ) {
    const child = element(der, at, parent.end);
    list.push(child);
    at = child.end;
  }
  return list;
}

/**
 * An object identifier in dotted form.
 * @throws SaslError bad-certificate
 */
export function oid(der: Uint8Array, { start, end }: Element): string {
  if (start === end || end - start > 64 || der[end - 1]! >= 0x80) throw malformed();
  const arcs: number[] = [];
  let value = 0;
  for (let at = start; at < end; at++) {
    value = value * 128 + (der[at]! & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER / 128) throw malformed();
    if (der[at]! >= 0x80) continue;
    arcs.push(value);
    value = 0;
  }
  const first = arcs[0]!;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...arcs.slice(1)].join('.');
}
