/** Which way a stanza goes. Judged by its root alone: what is in it is the daemons' business. */

import type { Element } from 'ltx';
import { isIqId } from '../../tree/names.ts';
import { HEAD } from '../../xml/limits.ts';
import { CLIENT_NS } from '../../xml/read.ts';
import type { Piece } from '../../xml/split.ts';
import { parseElement, recast } from '../../xml/tree.ts';
import { tagEnd } from '../../xml/whole.ts';
import { STREAM_NS } from '../ns.ts';
import type { Asked } from './asked.ts';

export type DaemonName = 'messaged' | 'presenced' | 'iqd';

/** The stanza as an element, or as much of it as has not too many elements. */
export const treeOf = (p: Piece): Element => parseElement(p.buf.subarray(p.start, p.end), p.scope, HEAD);

/**
 * A stanza as it is handed on: as it came, or its canonical text.
 * @param most bytes that the text may have
 * @returns null if it has more
 */
export function textOf(p: Piece, most: number): Piece | Buffer | null {
  if (p.canonical) return p.end - p.start <= most ? p : null;
  return recast(p.buf.subarray(p.start, p.end), p.scope, most);
}

/** The root of a stanza without its children, however large they are. */
export function rootOf(p: Piece): Element {
  const close = tagEnd(p.buf, p.start, p.end);
  if (p.buf[close - 1] === 0x2f) return treeOf(p);
  return parseElement(Buffer.concat([p.buf.subarray(p.start, close), Buffer.from('/>')]), p.scope);
}

/**
 * Where a stanza from the server goes: to a daemon, `error` for a stream error, or nowhere: an answer to ourselves, one
 * that nobody asked for, or what is no stanza.
 */
export function routeIncoming(piece: Piece, asked: Asked): DaemonName | 'error' | null {
  if (piece.ns === STREAM_NS && piece.name === 'error') return 'error';
  if (piece.ns !== CLIENT_NS) return null;
  return wayOf(piece.name, piece.name === 'iq' ? rootOf(piece).attrs : {}, asked);
}

/** The same, by the name and the attributes of its root. */
export function wayOf(
  name: string,
  attrs: Readonly<Record<string, string | undefined>>,
  asked: Asked,
): DaemonName | null {
  if (name === 'message') return 'messaged';
  if (name === 'presence') return 'presenced';
  if (name !== 'iq') return null;
  const { id, type, from } = attrs;
  if (type === 'get' || type === 'set') return 'iqd';
  if (type !== 'result' && type !== 'error') return null;
  return id !== undefined && asked.answers(id, from) ? 'iqd' : null;
}

/** RFC 7622 section 3.1: three parts of 1023 bytes. */
const LONGEST_JID = 3071;

/**
 * Whether a stanza from a local program may go out; an iq request is noted down, so that its answer finds back.
 * @returns null, or why it may not
 */
export function checkOutgoing(piece: Piece, asked: Asked): string | null {
  if (piece.ns !== CLIENT_NS || !['message', 'presence', 'iq'].includes(piece.name))
    return `<${piece.name.slice(0, 64)}> is no stanza`;
  if (piece.name !== 'iq') return null;
  const { id, type, to } = rootOf(piece).attrs;
  if (id === undefined || id === '') return 'an iq without an id';
  if (type === 'result' || type === 'error') return null;
  if (type !== 'get' && type !== 'set') return `an iq of type ${type?.slice(0, 64) ?? 'nothing'}`;
  if (!isIqId(id)) return `an iq with an id that no file can have: ${id.slice(0, 64)}`;
  if (to !== undefined && to.length > LONGEST_JID) return 'an iq to what is no JID';
  asked.ask(id, to);
  return null;
}
