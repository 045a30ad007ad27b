/**
 * The loopback server as a program: `tsx loopback/main.ts [options]`. It prints `port N`, `direct N` and `ca FILE`, one
 * a line, when it is ready, and runs until SIGTERM or SIGINT.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CertKind } from './certs.ts';
import { type ServerOptions, startServer } from './server.ts';

const USAGE = `usage: loopback [-p PORT] [-P DIRECT-TLS-PORT] [-a USER:PASSWORD]... [-d DOMAIN]... [-f USER:USER]...
                [-c CA-FILE] [-k good|wronghost|expired|selfsigned] [-m MECHANISM]... [-b BINDING]...
                [-i] [-v]
  -a  an account; default alice:secret-alice and bob:secret-bob
  -f  two accounts that have each other in their rosters
  -c  where to write the CA certificate; default: a new temporary directory
  -k  the kind of certificate to show
  -b  a type of channel binding to offer SCRAM-PLUS with, tls-exporter for instance
  -i  allow login without TLS
  -v  print all traffic on stderr`;

const KINDS: readonly string[] = ['good', 'wronghost', 'expired', 'selfsigned'] satisfies CertKind[];
const isKind = (s: string): s is CertKind => KINDS.includes(s);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', short: 'p', default: '0' },
      direct: { type: 'string', short: 'P', default: '0' },
      account: { type: 'string', short: 'a', multiple: true, default: ['alice:secret-alice', 'bob:secret-bob'] },
      domain: { type: 'string', short: 'd', multiple: true, default: ['localhost'] },
      friends: { type: 'string', short: 'f', multiple: true, default: [] },
      ca: { type: 'string', short: 'c' },
      kind: { type: 'string', short: 'k', default: 'good' },
      mechanism: { type: 'string', short: 'm', multiple: true },
      binding: { type: 'string', short: 'b', multiple: true, default: [] },
      insecure: { type: 'boolean', short: 'i', default: false },
      verbose: { type: 'boolean', short: 'v', default: false },
    },
  });
  if (!isKind(values.kind)) throw new Error(`no such kind of certificate: ${values.kind}`);
  const pair = (s: string): [string, string] => {
    const [, first, second] = /^([^:]+):(.+)$/.exec(s) ?? [];
    if (first === undefined || second === undefined) throw new Error(`not two words with a colon between: ${s}`);
    return [first, second];
  };
  const onRaw: ServerOptions['onRaw'] = (direction, data, jid) => {
    process.stderr.write(`${direction === 'in' ? '<' : '>'} ${jid} ${Buffer.from(data).toString()}\n`);
  };
  const server = await startServer({
    port: Number(values.port),
    directTlsPort: Number(values.direct),
    domains: values.domain,
    accounts: Object.fromEntries(values.account.map(pair)),
    certificate: values.kind,
    channelBindings: values.binding,
    plaintext: values.insecure,
    ...(values.mechanism === undefined ? {} : { mechanisms: values.mechanism }),
    ...(values.verbose ? { onRaw } : {}),
  });
  for (const friends of values.friends) {
    const [a, b] = pair(friends);
    for (const domain of values.domain) server.markKnown(`${a}@${domain}`, `${b}@${domain}`);
  }
  const temporary = values.ca === undefined ? mkdtempSync(join(tmpdir(), 'loopback-')) : undefined;
  const ca = values.ca ?? join(temporary!, 'ca.pem');
  writeFileSync(ca, server.ca);
  process.stdout.write(`port ${server.port}\ndirect ${server.directPort}\nca ${ca}\n`);
  const stop = () => {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    void server.close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`loopback: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 100;
});
