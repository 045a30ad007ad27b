/**
 * What an iq stanza is to iqd (RFC 6120 section 8.2.3): an answer to be put where its asker waits for it, a request to
 * be answered, or neither.
 */

import type { Element } from 'ltx';
import { isIqId } from '../../tree/names.ts';
import { CLIENT_NS } from '../../xml/read.ts';

export type Request = {
  readonly id: string;
  /** Absent: our own server, or our own account by way of it. */
  readonly from: string | undefined;
  readonly type: 'get' | 'set';
  /** The namespace of the payload; empty if there is not exactly one. */
  readonly ns: string;
  readonly stanza: Element;
};

export type Iq =
  | { readonly kind: 'answer'; readonly id: string; readonly from: string | undefined; readonly stanza: Element }
  | { readonly kind: 'request'; readonly request: Request }
  /** Not an iq of ours at all, and nothing worth a word. */
  | { readonly kind: 'other' }
  | { readonly kind: 'bad'; readonly why: string };

/** The namespace of an element; where nothing is said it is the stream's, and `xmlns=''` is none. */
export function namespace(element: Element): string {
  for (let at: Element | null = element; at !== null; at = at.parent) {
    const { xmlns } = at.attrs;
    if (xmlns !== undefined) return xmlns;
  }
  return CLIENT_NS;
}

/** Sorts a stanza. An answer is one only if its id may be the name of a file. */
export function sortIq(stanza: Element): Iq {
  if (stanza.name !== 'iq' || namespace(stanza) !== CLIENT_NS) return { kind: 'other' };
  const { id, from, type } = stanza.attrs;
  if (id === undefined || id === '') return { kind: 'bad', why: 'an iq without id' };
  if (type === 'result' || type === 'error') {
    if (!isIqId(id)) return { kind: 'bad', why: `an answer with an id that is no file name: ${id.slice(0, 80)}` };
    return { kind: 'answer', id, from, stanza };
  }
  if (type !== 'get' && type !== 'set')
    return { kind: 'bad', why: `an iq of the type ${type?.slice(0, 80) ?? 'nothing'}` };
  const [payload, ...more] = stanza.getChildElements();
  const ns = payload !== undefined && more.length === 0 ? namespace(payload) : '';
  return { kind: 'request', request: { id, from, type, ns, stanza } };
}
