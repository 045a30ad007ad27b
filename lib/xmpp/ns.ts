/** The namespaces of XMPP that the programs know, and where they are defined. */

/** RFC 6120. */
export const STREAM_NS = 'http://etherx.jabber.org/streams';
export const STREAM_ERROR_NS = 'urn:ietf:params:xml:ns:xmpp-streams';
export const STANZA_ERROR_NS = 'urn:ietf:params:xml:ns:xmpp-stanzas';
export const TLS_NS = 'urn:ietf:params:xml:ns:xmpp-tls';
export const SASL_NS = 'urn:ietf:params:xml:ns:xmpp-sasl';
export const BIND_NS = 'urn:ietf:params:xml:ns:xmpp-bind';
/** RFC 3921 section 3. */
export const SESSION_NS = 'urn:ietf:params:xml:ns:xmpp-session';
/** RFC 6121 section 2. */
export const ROSTER_NS = 'jabber:iq:roster';
/** XEP-0045. */
export const MUC_NS = 'http://jabber.org/protocol/muc';
export const MUC_USER_NS = 'http://jabber.org/protocol/muc#user';
/** XEP-0184. */
export const RECEIPTS_NS = 'urn:xmpp:receipts';
/** XEP-0198. */
export const SM_NS = 'urn:xmpp:sm:3';
/** XEP-0203. */
export const DELAY_NS = 'urn:xmpp:delay';
/** XEP-0359. */
export const SID_NS = 'urn:xmpp:sid:0';
/** XEP-0440. */
export const BINDING_TYPES_NS = 'urn:xmpp:sasl-cb:0';
/** XEP-0478. */
export const LIMITS_NS = 'urn:xmpp:stream-limits:0';
