import { EXIT, Fatal } from '../lib/cli/exit.ts';
import { findProgram } from '../lib/cli/find-program.ts';
import type { Say } from '../lib/cli/messages.ts';
import { run } from '../lib/cli/run.ts';
import { inherited } from '../lib/sys/inherited.ts';
import { parseArguments } from '../lib/xmpp/connect/arguments.ts';
import { connectOnce } from '../lib/xmpp/connect/once.ts';

/** xmppc: finds the server of an account, connects to it, and runs sj on the connection; with -k again and again. */
async function main(say: Say): Promise<number> {
  const args = parseArguments(process.argv.slice(2));
  const { keep, password, ready } = args;
  for (const [option, fd] of [
    ['-p', password],
    ['-n', ready],
  ] as const) {
    if (fd !== undefined && inherited(fd) === null)
      throw new Fatal(EXIT.usage, `option ${option}: descriptor ${fd} is not open`);
  }
  const sj = findProgram('sj');
  if (keep === undefined) return connectOnce(args, sj, say);
  const { stayOnline } = await import('../lib/xmpp/connect/stay.ts');
  const { tellSupervisor } = await import('../lib/xmpp/connect/supervisor.ts');
  return stayOnline({ args, keep, sj }, tellSupervisor(ready, process.env.NOTIFY_SOCKET, say), say);
}

void run('xmppc', main);
