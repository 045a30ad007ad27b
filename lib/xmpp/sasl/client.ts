/**
 * All mechanisms behind one face: what stands in <auth/>, what to answer to a <challenge/>, and whether a <success/>
 * is one. In and out go the texts of these elements, base64 included (RFC 6120 section 6.4).
 */

import { EXIT } from '../../cli/exit.ts';
import { decodeText, encodeText } from './base64.ts';
import type { Choice } from './choose.ts';
import { SaslError } from './error.ts';
import { externalMessage } from './external.ts';
import { scramParts } from './floor.ts';
import { plainMessage } from './plain.ts';
import { type Offer, type ScramOptions, scramClient } from './scram.ts';

export type SaslClient = {
  /** The mechanism, as <auth/> names it. */
  readonly name: string;
  /** The text of <auth/>; `=` where the message is empty. */
  readonly initial: string;
  /** The text of <response/> for the text of a <challenge/>; empty where the message is empty. */
  step(challenge: string): Promise<string>;
  /** Takes the text of <success/> (null or empty: no data). It returns only if we are in and the server is genuine. */
  done(success: string | null): void;
};

/** Who logs in. The password may be null only where it is not needed. */
export type Credentials = { user: string; password: string | null };

/**
 * Starts the mechanism that was chosen.
 * @param offer what the server offered, for XEP-0474
 * @throws SaslError bad-username, bad-password, no-password; from step and done: whatever the server does wrong
 */
export async function createClient(choice: Choice, credentials: Credentials, offer: Offer): Promise<SaslClient> {
  const { mechanism, binding, mustVouch } = choice;
  const { user, password } = credentials;
  if (mechanism === 'EXTERNAL') return oneMessage(mechanism, externalMessage());
  if (password === null || password === '') throw new SaslError('no-password', EXIT.usage, 'there is no password');
  const scram = scramParts(mechanism);
  if (scram === null) return oneMessage(mechanism, plainMessage(user, password));
  return scramFace(mechanism, { hash: scram.hash, user, password, binding, offer, mustVouch });
}

/** A mechanism of one message, after which the server has nothing to say that would matter. */
function oneMessage(name: string, message: string): SaslClient {
  return {
    name,
    initial: encodeText(message) || '=',
    async step() {
      throw new SaslError('unexpected-challenge', EXIT.protocol, `the server sent a challenge, and ${name} has none`);
    },
    done() {},
  };
}

async function scramFace(name: string, options: ScramOptions): Promise<SaslClient> {
  const scram = await scramClient(options);
  let answered = false;
  let proved = false;
  return {
    name,
    initial: encodeText(scram.first()),
    async step(challenge) {
      const text = decodeText(challenge);
      if (!answered) {
        answered = true;
        return encodeText(await scram.challenge(text));
      }
      // RFC 4422 section 5: a server may send its last message as a challenge, and is then answered with nothing.
      if (proved)
        throw new SaslError('unexpected-challenge', EXIT.protocol, 'the server broke SCRAM: a challenge too many');
      scram.success(text);
      proved = true;
      return '';
    },
    done(success) {
      const text = decodeText(success ?? '');
      if (!proved || text !== '') scram.success(text);
    },
  };
}
