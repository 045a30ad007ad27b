/** What a stream offers, by how far the client has come. */
import type { Hub } from './hub.ts';
import { type Element, el, NS } from './xml.ts';

export type Progress = { secure: boolean; authenticated: boolean };

/** The mechanisms of a connection. Those with channel binding need TLS, and so does PLAIN unless `plaintext` is set. */
export function mechanisms(hub: Hub, secure: boolean): readonly string[] {
  const { settings } = hub;
  if (!secure && !settings.plaintext) return [];
  return settings.mechanisms.filter((name) => {
    if (name === 'EXTERNAL') return secure;
    return !name.endsWith('-PLUS') || (secure && settings.channelBindings.length > 0);
  });
}

/** `<stream:features/>`: RFC 6120, 4.3.2. */
export function features(hub: Hub, { secure, authenticated }: Progress): Element {
  const list: Element[] = [];
  const { settings, faults } = hub;
  if (authenticated) {
    list.push(el('bind', NS.bind), el('session', NS.session, {}, el('optional', NS.session)));
    if (faults.sm?.none !== true) list.push(el('sm', NS.sm));
  } else {
    if (!secure && faults.noStarttls !== true) {
      list.push(el('starttls', NS.tls, {}, ...(settings.plaintext ? [] : [el('required', NS.tls)])));
    }
    const offered = mechanisms(hub, secure);
    if (offered.length > 0) {
      list.push(el('mechanisms', NS.sasl, {}, ...offered.map((name) => el('mechanism', NS.sasl, {}, name))));
    }
    if (offered.some((name) => name.endsWith('-PLUS'))) {
      const types = settings.channelBindings.map((type) => el('channel-binding', NS.saslBinding, { type }));
      list.push(el('sasl-channel-binding', NS.saslBinding, {}, ...types));
    }
  }
  const { limits = settings.stanzaLimit } = faults;
  if (limits !== false) list.push(el('limits', NS.limits, {}, el('max-bytes', NS.limits, {}, `${limits}`)));
  return el('features', NS.streams, {}, ...list);
}
