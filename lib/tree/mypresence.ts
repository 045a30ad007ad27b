/** The line that the user writes into `mypresence`: own presence for everybody, or for one contact. */
import { type Show, STATUS_LIMIT, truncate } from './line.ts';

export type OwnShow = Show | 'offline';

export type Own = { readonly show: OwnShow; readonly status: string };

/** What a missing or empty `mypresence` says. */
export const ONLINE: Own = { show: 'online', status: '' };

const SHOWS: ReadonlySet<string> = new Set<OwnShow>(['online', 'chat', 'away', 'xa', 'dnd', 'offline']);
const isShow = (word: string): word is OwnShow => SHOWS.has(word);

const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/**
 * Reads what the file holds. Only its first line counts: `SHOW`, `SHOW STATUS`, or just a status text, which is then
 * that of `online`. Nothing is an error: what XML cannot carry is left out, what is too long is cut.
 */
export function parseOwn(text: string): Own {
  const line = /^[^\n]*/.exec(text)![0].replace(NOT_XML, '').trim();
  const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(line)!;
  const [show, status]: [OwnShow, string] = isShow(word) ? [word, rest] : ['online', line];
  return { show, status: truncate(status, STATUS_LIMIT).trimEnd() };
}

export const sameOwn = (a: Own, b: Own): boolean => a.show === b.show && a.status === b.status;

/** Own presence from what was kept as JSON; null if it is none. */
export function ownOf(value: unknown): Own | null {
  if (typeof value !== 'object' || value === null) return null;
  const { show, status }: Record<string, unknown> = { ...value };
  return typeof show === 'string' && isShow(show) && typeof status === 'string' ? { show, status } : null;
}
