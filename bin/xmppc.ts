import { EXIT, Fatal, run, type Say } from '../lib/cli/die.ts';
import { inherited } from '../lib/cli/inherited.ts';
import { findProgram } from '../lib/cli/program.ts';
import { type Arguments, parseArguments } from '../lib/connect/arguments.ts';
import { dial } from '../lib/connect/dial.ts';
import { findServers } from '../lib/connect/find.ts';
import { handOver } from '../lib/connect/handover.ts';
import { srvResolver } from '../lib/connect/resolve.ts';
import type { Target } from '../lib/connect/target.ts';

/** How long, in ms, the SRV lookups may take together. */
const LOOKUP_LIMIT = 5000;

/** xmppc: finds the server of an account, connects to it, and runs sj on the connection. */
async function main(say: Say): Promise<number> {
  const args = parseArguments(process.argv.slice(2));
  if (args.passed !== undefined && inherited(args.passed) === null) {
    throw new Fatal(EXIT.usage, `option -p: descriptor ${args.passed} is not open`);
  }
  const sj = findProgram('sj');
  const dialed = await dial(args.domain, await servers(args, say));
  return handOver(sj, dialed.target.tls ? [...args.sj, '-x'] : args.sj, dialed, args.passed);
}

async function servers({ domain, target, want }: Arguments, say: Say): Promise<Target[]> {
  if (target !== undefined) return [target];
  const { resolve, close } = srvResolver(LOOKUP_LIMIT);
  const { targets, warning } = await findServers(domain, want, resolve).finally(close);
  if (warning !== undefined) say.warn(warning);
  return targets;
}

void run('xmppc', main);
