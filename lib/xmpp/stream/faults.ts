/** Stream errors (RFC 6120 section 4.9): ours as text, theirs as the end of the program that they mean. */

import type { Element } from 'ltx';
import { EXIT, type ExitCode, Fatal } from '../../cli/exit.ts';
import { escapeXml } from '../../xml/write.ts';
import { STREAM_ERROR_NS } from '../ns.ts';

/** The other side has broken the rules of the stream: before the end it is told so (RFC 6120 section 4.9). */
export class Breach extends Fatal {
  /** The stream error to send, and the close of the stream (section 4.9.1.1). */
  readonly streamError: string;

  /**
   * @param condition one of section 4.9.3; `message` is for the user, `text` for the other side
   * @param details an element of what the condition is about, as XML
   */
  constructor(condition: string, message: string, text = '', details = '') {
    super(EXIT.protocol, message);
    const description = text === '' ? '' : `<text xmlns='${STREAM_ERROR_NS}'>${escapeXml(text)}</text>`;
    this.streamError = `<stream:error><${condition} xmlns='${STREAM_ERROR_NS}'/>${description}${details}</stream:error></stream:stream>`;
  }
}

/** What a condition means to a supervisor; those that are not here pass with time (111). */
const MEANING: Readonly<Record<string, ExitCode>> = {
  'bad-format': EXIT.protocol,
  'bad-namespace-prefix': EXIT.protocol,
  'host-gone': EXIT.usage,
  'host-unknown': EXIT.usage,
  'improper-addressing': EXIT.usage,
  'invalid-from': EXIT.protocol,
  'invalid-namespace': EXIT.protocol,
  'invalid-xml': EXIT.protocol,
  'not-authorized': EXIT.refused,
  'not-well-formed': EXIT.protocol,
  'restricted-xml': EXIT.protocol,
  'unsupported-encoding': EXIT.protocol,
  'unsupported-feature': EXIT.protocol,
  'unsupported-stanza-type': EXIT.protocol,
  'unsupported-version': EXIT.protocol,
  // Another client has taken the resource: to come back would throw it out, and so on for ever.
  conflict: EXIT.refused,
};

/** The end that a stream error from the server means. */
export function streamFault(error: Element): Fatal {
  const elements = error.getChildElements();
  const condition =
    elements.find((e) => e.attrs.xmlns === STREAM_ERROR_NS && e.name !== 'text')?.name ?? 'undefined-condition';
  const text = elements.find((e) => e.attrs.xmlns === STREAM_ERROR_NS && e.name === 'text')?.getText() ?? '';
  const other = elements
    .find((e) => e.attrs.xmlns === STREAM_ERROR_NS && e.name === 'see-other-host')
    ?.getText()
    .trim();
  const where = other ? ` (it names ${other.slice(0, 200)}; -H goes there)` : '';
  const meaning = Object.hasOwn(MEANING, condition) ? MEANING[condition]! : EXIT.temporary;
  const said = text.trim() === '' ? '' : `: ${text.trim().slice(0, 200)}`;
  return new Fatal(meaning, `the server ended the stream: ${condition.slice(0, 64)}${where}${said}`);
}
