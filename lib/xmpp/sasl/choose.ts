/**
 * Which mechanism to use, and with which channel binding (RFC 5802 section 6, XEP-0440, XEP-0474).
 *
 * | the server lists -PLUS | announces types | in common | we send                                        |
 * |------------------------|-----------------|-----------|------------------------------------------------|
 * | yes                    | yes             | yes       | `p=TYPE`, the best type of ours                |
 * | yes                    | yes             | no        | `n`, and only if the server vouches with `h=`, |
 * |                        |                 |           | or announces an end point that is undefined    |
 * | yes                    | no              |           | `n`: it means tls-unique, which sj has not got |
 * | no                     | any             |           | `y`: a server whose list was cut refuses that  |
 *
 * Where TLS is not ours (or there is none) it is always `n`.
 */

import { EXIT } from '../../cli/exit.ts';
import type { Bindings } from './binding.ts';
import { SaslError } from './error.ts';
import { isMechanism, MECHANISMS, type Mechanism, reaches, scramParts } from './floor.ts';
import type { Binding } from './scram.ts';

export type Circumstances = {
  /** The mechanisms that the server offers, word for word. */
  offered: readonly string[];
  /** The channel-binding types that it announces (XEP-0440), or null if it announces none. */
  announced: readonly string[] | null;
  /** What we can bind with; null where TLS is not ours or there is none. Empty is not the same: then TLS is ours. */
  bindings: Bindings | null;
  /** Whether the connection is encrypted, by whomever. */
  tls: boolean;
  /** Whether PLAIN may be used without TLS. */
  plainInClear: boolean;
  /** What was stored after an earlier login, or null. */
  floor: string | null;
  /** Whether a client certificate is in use on this connection. */
  haveCert: boolean;
};

export type Choice = {
  mechanism: Mechanism;
  /** For SCRAM only; else `none`. */
  binding: Binding;
  /** The server must vouch for its offer (XEP-0474), or it is refused. */
  mustVouch: boolean;
};

const isPlus = (name: string) => /^SCRAM-.+-PLUS$/.test(name);

/**
 * Chooses the strongest mechanism that both sides can do and that is not below the floor.
 * @throws SaslError no-mechanism, below-floor, binding-stripped (76), unknown-floor (100); the text says why nothing fits
 */
export function choose(at: Circumstances): Choice {
  const { offered, announced, bindings, floor } = at;
  if (floor !== null && !isMechanism(floor)) {
    throw new SaslError(
      'unknown-floor',
      EXIT.usage,
      `sj does not know the mechanism that was used before: ${floor.slice(0, 64)}`,
    );
  }
  const plusOffered = offered.some(isPlus);
  const common = [...(bindings ?? [])].find(([type]) => announced?.includes(type));
  // XEP-0440: every server must have tls-server-end-point, so a list without it, and without any type of ours, is
  // taken for a list that somebody has changed. XEP-0474 lets the server clear itself.
  const stripped =
    bindings !== null && plusOffered && announced !== null && !common && !announced.includes('tls-server-end-point');

  const known = MECHANISMS.filter((name) => offered.includes(name));
  const reasons = new Map(known.map((name) => [name, hindrance(name)]));
  const usable = known.filter((name) => reasons.get(name) === null);
  const can = { bind: bindings !== null, external: at.haveCert && at.tls };
  const mechanism = usable.find((name) => reaches(name, floor, can));
  if (mechanism === undefined) throw nothingFits();
  return { mechanism, binding: bindingFor(mechanism), mustVouch: stripped && scramParts(mechanism) !== null };

  /** Why a mechanism cannot be used here, or null. */
  function hindrance(name: Mechanism): string | null {
    if (name === 'EXTERNAL') return at.haveCert && at.tls ? null : 'EXTERNAL needs a client certificate';
    if (isPlus(name)) return common ? null : 'there is no channel binding that both sides know';
    if (name !== 'PLAIN') return null;
    if (!at.tls && !at.plainInClear) return 'PLAIN would show the password to everybody, for there is no TLS';
    return stripped ? 'its list of channel bindings may have been changed on the way' : null;
  }

  function bindingFor(name: Mechanism): Binding {
    const scram = scramParts(name);
    if (scram === null || bindings === null) return { kind: 'none' };
    if (scram.plus && common) return { kind: 'used', type: common[0], data: common[1] };
    return { kind: plusOffered ? 'none' : 'unused' };
  }

  function nothingFits(): SaslError {
    const names = offered.join(', ').slice(0, 200);
    const only = names ? `the server offers only ${names}` : 'the server offers no mechanism';
    if (usable.length > 0) {
      const unbound = plusOffered && !common && bindings !== null ? ' without a channel binding that sj knows' : '';
      const text = `${only}${unbound}, and ${floor} was used before: somebody may sit in between, or the server has changed`;
      return new SaslError('below-floor', EXIT.protocol, text);
    }
    const why = [...new Set(reasons.values())].filter((reason) => reason !== null).join('; ');
    const code = stripped && known.includes('PLAIN') ? 'binding-stripped' : 'no-mechanism';
    return new SaslError(code, EXIT.protocol, `${only}: ${why || 'nothing that sj knows'}`);
  }
}
