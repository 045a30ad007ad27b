/** Stanza errors (RFC 6120 section 8.3). */
import type { Element } from 'ltx';
import type { DeliveryError } from '../../chat/model.ts';
import { STANZA_ERROR_NS } from '../ns.ts';

/** What the sender can do about it (section 8.3.2). */
export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

export const ERROR_TYPES: ReadonlySet<string> = new Set<ErrorType>(['auth', 'cancel', 'continue', 'modify', 'wait']);

/** The defined condition in an `<error/>`, and the text that explains it. */
export function readStanzaError(error: Element | undefined): DeliveryError {
  const defined = error?.getChildElements().filter((child) => child.attrs.xmlns === STANZA_ERROR_NS) ?? [];
  return {
    condition: defined.find((child) => child.name !== 'text')?.name ?? 'undefined-condition',
    text: defined.find((child) => child.name === 'text')?.getText() ?? '',
  };
}

/** Adds an `<error/>` to a stanza. @param condition of section 8.3.3 @returns the stanza */
export function addStanzaError(stanza: Element, type: ErrorType, condition: string, text = ''): Element {
  const error = stanza.c('error', { type });
  error.c(condition, { xmlns: STANZA_ERROR_NS });
  if (text !== '') error.c('text', { xmlns: STANZA_ERROR_NS }).t(text);
  return stanza;
}
