/** Stream management (XEP-0198) on the test client's side: it counts, answers, and can go on in another connection. */
import { plus } from './counts.ts';
import { type Element, el, NS, value, write } from './xml.ts';

/** All that is needed to resume a session; it changes as stanzas come and go. */
export type Resumable = {
  /** Empty: the server resumes nothing. */
  id: string;
  jid: string;
  /** What `<enabled/>` said; empty where it said nothing. */
  max: string;
  location: string;
  /** Stanzas from the server, and to it, modulo 2^32. */
  received: number;
  sent: number;
  /** Those sent that are not acknowledged, oldest first. */
  waiting: string[];
};

export const fresh = (jid: string): Resumable => ({
  id: '',
  jid,
  max: '',
  location: '',
  received: 0,
  sent: 0,
  waiting: [],
});

const isStanza = (e: Element) => e.ns === NS.client && /^(message|presence|iq)$/.test(e.name);

export const enableRequest = (max?: number): string =>
  write(el('enable', NS.sm, { resume: 'true', max: max === undefined ? undefined : `${max}` }));

export const resumeRequest = ({ id, received }: Resumable): string =>
  `<resume xmlns='${NS.sm}' previd='${value(id)}' h='${received}'/>`;

export const acknowledgement = ({ received }: Resumable): string => `<a xmlns='${NS.sm}' h='${received}'/>`;

/** The server has handled `h`; what cannot be is of no interest here. */
export function handled(state: Resumable, h: number): void {
  const open = plus(state.sent, -h);
  if (open <= state.waiting.length) state.waiting.splice(0, state.waiting.length - open);
}

/** Something has come. @returns what to answer, the empty string: nothing */
export function arrived(state: Resumable, e: Element): string {
  if (isStanza(e)) state.received = plus(state.received, 1);
  if (e.ns !== NS.sm) return '';
  if (e.name === 'a') handled(state, Number(e.attrs.h));
  return e.name === 'r' ? acknowledgement(state) : '';
}

/** Something goes out; a stanza has a call of its own. */
export function departs(state: Resumable, xml: string): void {
  if (!/^<(message|presence|iq)[\s/>]/.test(xml)) return;
  state.sent = plus(state.sent, 1);
  state.waiting.push(xml);
}
