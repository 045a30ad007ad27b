import type { Target } from './target.ts';

/** An SRV record (RFC 2782), and which of the two services it was found under. */
export type SrvRecord = { name: string; port: number; priority: number; weight: number; tls: boolean };

/**
 * The targets of both services in the order in which to try them: as XEP-0368 asks, one set in which `_xmpps-client`
 * and `_xmpp-client` are mixed by priority and weight, since that is how an operator says which one shall be used.
 * @param random a number of [0, 1), as from Math.random
 */
export function orderTargets(records: readonly SrvRecord[], random: () => number): Target[] {
  const priorities = [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) => {
    const equals = records.filter((record) => record.priority === priority);
    return byWeight(equals, random).map(({ name, port, tls }) => ({ host: name, port, tls }));
  });
}

/** RFC 2782, "Weight": draw from what is left, each record as likely as its weight says, those of weight 0 hardly ever. */
function byWeight(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = [...records].sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const drawn: SrvRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, record) => sum + record.weight, 0);
    let mark = Math.floor(random() * (total + 1));
    const index = left.findIndex((record) => (mark -= record.weight) <= 0);
    drawn.push(...left.splice(index, 1));
  }
  return drawn;
}
