/**
 * SASL on a stream (RFC 6120 section 6), from the offer of mechanisms to the server's verdict. A state machine as in
 * `negotiate.ts`, of which it is a part.
 */

import type { Element } from 'ltx';
import { EXIT, Fatal } from '../../cli/exit.ts';
import { BINDING_TYPES_NS, SASL_NS } from '../ns.ts';
import type { Bindings } from '../sasl/binding.ts';
import { choose } from '../sasl/choose.ts';
import { createClient, type SaslClient } from '../sasl/client.ts';
import { SaslError } from '../sasl/error.ts';
import { failure } from '../sasl/failure.ts';
import type { Account } from './session-model.ts';

export type LoginEffects = {
  send(text: string): void;
  /** The server has let us in, by this mechanism. */
  done(mechanism: string): void;
  /** Something that could only be found out later was wrong. */
  failed(error: Error): void;
};

export type Login = {
  /** Takes the features of the stream, and what TLS can be bound with. @throws Fatal, SaslError */
  begin(features: Element, tls: { encrypted: boolean; bindings: Bindings | null }): void;
  /** Takes what the server says until it is done. @throws Fatal, SaslError */
  element(element: Element): void;
};

export function createLogin(account: Account, effects: LoginEffects): Login {
  let client: SaslClient | null = null;
  let state: 'ours' | 'theirs' | 'over' = 'ours';

  /** Does what takes a while; what the server sends meanwhile comes unasked, unless it has lost patience. */
  function later(work: () => Promise<string>): void {
    state = 'ours';
    work().then(
      (text) => {
        if (state === 'over') return;
        state = 'theirs';
        effects.send(text);
      },
      (error: unknown) => state !== 'over' && effects.failed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  return {
    begin(features, { encrypted, bindings }) {
      const list = features.getChild('mechanisms', SASL_NS);
      if (!list) return broken('no SASL mechanisms in its features');
      // XEP-0474 hashes the list as it came; a server that writes white space into it is understood all the same.
      const mechanisms = list.getChildren('mechanism').map((m) => m.getText());
      const types = features.getChild('sasl-channel-binding', BINDING_TYPES_NS);
      const announced = types ? types.getChildren('channel-binding').map((c) => c.attrs.type ?? '') : null;
      const choice = choose({
        offered: mechanisms.map((name) => name.trim()),
        announced,
        bindings,
        tls: encrypted,
        plainInClear: account.plainInClear,
        floor: account.floor,
        haveCert: account.haveCert,
      });
      later(async () => {
        const password = choice.mechanism === 'EXTERNAL' ? null : await account.password();
        client = await createClient(choice, { user: account.user, password }, { mechanisms, bindings: announced });
        return `<auth xmlns='${SASL_NS}' mechanism='${client.name}'>${client.initial}</auth>`;
      });
    },
    element(element) {
      const { name } = element;
      if (element.attrs.xmlns !== SASL_NS) return broken(`<${name}> during authentication`);
      if (name === 'failure' && client !== null) {
        state = 'over';
        const condition = element.getChildElements().find((e) => e.name !== 'text');
        throw failure(condition?.name ?? 'unknown', element.getChildText('text'));
      }
      if (state !== 'theirs') return broken(`<${name}> that was not asked for`);
      if (name === 'challenge')
        return later(async () => {
          const response = await client!.step(element.getText());
          return response === ''
            ? `<response xmlns='${SASL_NS}'/>`
            : `<response xmlns='${SASL_NS}'>${response}</response>`;
        });
      if (name !== 'success') return broken(`<${name}> during authentication`);
      client!.done(element.getText() || null);
      state = 'over';
      effects.done(client!.name);
    },
  };
}

/** @throws Fatal 76 */
export function broken(what: string): never {
  throw new Fatal(EXIT.protocol, `the server broke the protocol: ${what}`);
}

const FLOOR_REMEDY = ' (if you know why, remove the file .sasl in the account directory and try again)';

/** What has gone wrong as what ends the program. */
export function asFatal(error: unknown): Error {
  if (error instanceof SaslError) {
    const lift = error.code === 'below-floor' || error.code === 'unknown-floor' ? FLOOR_REMEDY : '';
    return new Fatal(error.exit, error.message + lift);
  }
  return error instanceof Error ? error : new Error(String(error));
}
