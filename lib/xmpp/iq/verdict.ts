/** What the end of a handler means for the one who asked. */

import type { Element } from 'ltx';
import { CLIENT_NS } from '../../xml/read.ts';
import { parseElement } from '../../xml/tree.ts';
import { ERROR_TYPES } from '../codec/stanza-error.ts';
import { STANZA_ERROR_NS } from '../ns.ts';
import type { Outcome } from './program.ts';
import { namespace } from './request.ts';

export type Verdict =
  /** The handler has answered by itself. */
  | { readonly kind: 'done' }
  | { readonly kind: 'result'; readonly payload: Element | null }
  /** The handler refused, and said how. */
  | { readonly kind: 'error'; readonly error: Element }
  /** The handler is at fault: the asker gets an internal-server-error, the user a warning. */
  | { readonly kind: 'fault'; readonly why: string };

const fault = (why: string): Verdict => ({ kind: 'fault', why });

/**
 * Judges how a handler ended and what it printed. After exit 0: nothing at all means that it answered by itself, white
 * space is an empty result, one element is the result's payload. After any other exit one well-formed `<error/>` is the
 * error to answer with; that it printed none is its fault.
 */
export function judge(outcome: Outcome): Verdict {
  if (outcome.failure !== undefined) return fault(outcome.failure);
  if (outcome.code === null) return fault(`was ended by ${outcome.signal ?? 'a signal'}`);
  if (outcome.code === 0 && outcome.output.length === 0) return { kind: 'done' };
  let element: Element | null;
  try {
    element = only(outcome.output);
  } catch (error) {
    const printed = `printed what is not one element: ${error instanceof Error ? error.message : String(error)}`;
    return fault(outcome.code === 0 ? printed : `ended with ${outcome.code} and ${printed}`);
  }
  if (outcome.code !== 0) {
    if (element !== null && isError(element)) return { kind: 'error', error: element };
    return fault(
      `ended with ${outcome.code}` + (element === null ? '' : ` and printed no <error type='…'> with a condition`),
    );
  }
  // A payload has a namespace of its own (RFC 6120 section 8.4); most of all, an <error/> is no result.
  if (element !== null && ['', CLIENT_NS].includes(namespace(element)))
    return fault(`printed a <${element.name}> without xmlns`);
  return { kind: 'result', payload: element };
}

const WHITE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** The one element in what was printed, or null for white space. @throws XmlError */
function only(output: Buffer): Element | null {
  let [from, to] = [0, output.length];
  while (from < to && WHITE.has(output[from]!)) from++;
  while (to > from && WHITE.has(output[to - 1]!)) to--;
  return from === to ? null : parseElement(output.subarray(from, to));
}

/** Whether an element may be the `<error/>` of a stanza (RFC 6120 section 8.3.1): a known type and a condition. */
function isError(element: Element): boolean {
  const conditions = element
    .getChildElements()
    .filter((child) => namespace(child) === STANZA_ERROR_NS && child.name !== 'text');
  return (
    element.name === 'error' &&
    namespace(element) === CLIENT_NS &&
    ERROR_TYPES.has(element.attrs.type ?? '') &&
    conditions.length === 1
  );
}
