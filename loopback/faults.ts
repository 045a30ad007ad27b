import type { Silence } from './link.ts';

/**
 * What the server does wrong on purpose. Every fault is off unless set; `server.faults` may be changed while the server
 * runs and holds for what happens next, on every connection.
 */
export type Faults = {
  /** The features of a stream without TLS do not offer STARTTLS. (To offer login there, set the option `plaintext`.) */
  noStarttls?: boolean;
  /** STARTTLS is answered with `<failure/>`. */
  starttlsFailure?: boolean;
  /** Raw text sent in place of `<proceed/>`; TLS is started all the same. */
  proceed?: string;
  /** Raw bytes behind `<proceed/>`, in the same write: what an attacker injects before the handshake. */
  afterProceed?: string;
  /** Refuses every login with this SASL condition, `account-disabled` for instance, before any exchange. */
  authFailure?: string;
  /** The text of every SASL failure. */
  authText?: string;
  scram?: ScramFaults;
  /** Refuses to bind with this stanza error condition. */
  bindError?: string;
  /** The JID that bind answers with, whatever was asked for. */
  bindJid?: string;
  /** Stanzas, as XML, that follow the answer to bind at once. */
  afterBind?: string;
  /** Ends each stream with this stream error as soon as its header is answered. */
  streamError?: string;
  /** The `from` of the server's stream header. */
  headerFrom?: string;
  /** Rewrites the features before they are sent. */
  features?: (xml: string) => string;
  /** The connection stays open, but from this point on nothing is read or answered. */
  silentFrom?: 'connect' | 'header' | 'starttls' | 'auth' | 'bind';
  /** The greatest stanza that the features announce (XEP-0478), whatever is enforced; false: they announce none. */
  limits?: number | false;
  sm?: ManagementFaults;
  /** Connections break at a given place. */
  cut?: Cut;
};

/** Of stream management (XEP-0198). */
export type ManagementFaults = {
  /** It is not offered, and not understood. */
  none?: boolean;
  /** `<enable/>` fails with this stanza error condition. */
  enableError?: string;
  /** It can be enabled, but no session can be resumed. */
  noResume?: boolean;
  /** `<resume/>` fails with this condition, `item-not-found` for instance; the session it is about ends. */
  resumeError?: string;
  /** A failed resumption does not tell how much had arrived, even if that is known. */
  failedWithoutCount?: boolean;
  /** The `location` of `<enabled/>`. */
  location?: string;
  /** The client's `<r/>` gets no answer. */
  neverAcknowledge?: boolean;
  /** The client is never asked. */
  neverAsk?: boolean;
  /** What the client is told in place of the number of its stanzas that were handled. */
  count?: (h: number) => number;
};

/** It counts from when it is set, or from the beginning of the connection if that comes later. */
export type Cut = {
  /** Stanzas of a bound client, from it or to it, or bytes of the stream without TLS. */
  at: 'received' | 'sent' | 'bytes received' | 'bytes sent';
  /** It happens with this one, 1 is the first. What was received is still handled, but the client does not hear of it. */
  count: number;
  /** That stanza itself is cut: half of it is sent, or it was not received. */
  half?: boolean;
  /** By a TCP RST (default), by the end of the connection without farewell, or it stays open and is silent. */
  how?: 'reset' | 'close' | Silence;
  /** Only connections of this bare JID, and those where nobody has logged in yet. */
  of?: string;
  /** How often, default 1. It is counted down, and then the fault is taken away. */
  times?: number;
};

export type ScramFaults = {
  /** The server signature `v=` in the last message: 'none' leaves `<success/>` empty, 'error' sends `e=other-error`. */
  signature?: 'wrong' | 'none' | 'error';
  /** The server's nonce: 'short' adds nothing to the client's, 'foreign' does not begin with the client's. */
  nonce?: 'short' | 'foreign';
  /** Rewrites the first message of the server, `r=…,s=…,i=…`: add `m=x`, take the salt away, make `i` absurd. */
  serverFirst?: (message: string) => string;
  /** `v=` comes in a challenge that the client answers with an empty response, then an empty `<success/>`. Not wrong,
   * RFC 6120 allows it to servers older than additional data with success. */
  signatureInChallenge?: boolean;
  /** `<success/>` at once, without any exchange. */
  unasked?: boolean;
};
