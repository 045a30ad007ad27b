/** The answers to a request: new stanzas, of which nothing but `id` and `to` comes from the other side. */

import { Element } from 'ltx';
import { addStanzaError } from '../codec/stanza-error.ts';
import type { Request } from './request.ts';

/** The conditions that iqd itself answers with (RFC 6120 section 8.3.3), and their types. */
const FAULTS = {
  /** Not exactly one payload. */
  'bad-request': 'modify',
  /** The handler failed. */
  'internal-server-error': 'cancel',
  /** Too much at once. */
  'resource-constraint': 'wait',
  /** Nobody here answers that. */
  'service-unavailable': 'cancel',
} as const;

export type Fault = keyof typeof FAULTS;

function answer(request: Request, type: 'result' | 'error', payload: Element | null): Element {
  const iq = new Element('iq', { type, id: request.id, ...(request.from !== undefined && { to: request.from }) });
  if (payload !== null) iq.cnode(payload);
  return iq;
}

/** The result of a request; an empty one tells that it was done. */
export const result = (request: Request, payload: Element | null = null): Element => answer(request, 'result', payload);

/** An error answer with an `<error/>` that is made already. */
export const errorWith = (request: Request, error: Element): Element => answer(request, 'error', error);

/** An error answer of our own. */
export function errorFor(request: Request, fault: Fault): Element {
  return addStanzaError(answer(request, 'error', null), FAULTS[fault], fault);
}
