/** XMPP as a back end of the tree: stanzas, one a line, from sj. */
import type { Element } from 'ltx';
import type { PresenceCodec } from '../presence/model.ts';
import type { BackEnd } from '../session/back-end.ts';
import { readStanzas } from '../xml/feed.ts';
import { CONTROL } from './codec/control.ts';
import { decodeMessage, isRead } from './codec/message.ts';
import { carries, encodeMessage } from './codec/message-out.ts';
import { decodePresence } from './codec/presence.ts';
import { encodePresence } from './codec/presence-out.ts';
import { bareOf } from './jid/jid.ts';
import { daemonLimits, type Limits } from './limits.ts';

/** @param limits of what is read */
export function xmppBackEnd(limits: Limits): BackEnd<Element> & PresenceCodec<Element> {
  return {
    normalizeId: bareOf,
    decodeMessage,
    encodeMessage,
    carries,
    // Most who make such a directory mean somebody there.
    remark: (id) =>
      /^(?!localhost$)[^@.]+$/.test(id) ? `${id} is the name of a server; people are USER@DOMAIN` : null,
    decodePresence,
    encodePresence,
    control: CONTROL,
    read(fd, on, use) {
      const { batchEnd, skipped, end } = on;
      const stanza = (element: Element, { length }: Buffer) => on.frame(element, length);
      const wants = use === 'messages' ? isRead : undefined;
      return readStanzas(fd, { stanza, batchEnd, skipped, end }, daemonLimits(limits), wants);
    },
  };
}
