/**
 * `npm run demo`: a chat between two accounts on a server of our own, by shell commands on files. It needs nothing but
 * Node and a POSIX shell, leaves nothing behind, and ends with 0 if everything was seen that shall be seen. With
 * `--stay` everything goes on running until ^C, to be played with.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type Server, startServer } from '../loopback/server.ts';
import { ALICE, BOB, DOMAIN, leave, PASSWORDS, play } from './scenes.ts';
import { createStage, type Stage } from './stage.ts';

const BIN = join(import.meta.dirname, '..', 'bin');
const USAGE = 'usage: npm run demo [-- --stay]\n';

/** Resolves to what ends us before our time. */
function interruption(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
    // Nobody reads on.
    process.stdout.on('error', () => resolve('SIGPIPE'));
    process.stderr.on('error', () => {});
  });
}

async function main(stay: boolean): Promise<number> {
  if (!existsSync(join(BIN, 'xmppc'))) {
    process.stderr.write('demo: the programs are not built: npm run build\n');
    return 1;
  }
  const interrupted = interruption();
  const server = await startServer({ domains: [DOMAIN], accounts: PASSWORDS, directTlsPort: false });
  const stage = createStage(BIN);
  try {
    stage.say(
      `The server is the project's own, on 127.0.0.1:${server.port}, with a throw-away certificate for ${DOMAIN}.`,
    );
    writeFileSync(join(stage.dir, 'ca.pem'), server.ca);
    stage.env.SSL_CERT_FILE = join(stage.dir, 'ca.pem');
    process.stdout.write(`$ cd ${quoted(stage.dir)}; PATH=${quoted(BIN)}:$PATH\n$ export SSL_CERT_FILE=$PWD/ca.pem\n`);
    const signal = await Promise.race([stay ? play(stage, server) : playAndLeave(stage, server), interrupted]);
    if (signal !== undefined) return 128 + constants.signals[signal];
    if (stay) {
      process.stdout.write(hints(stage, server));
      await interrupted;
    } else {
      stage.say('That was all, and all was as it should be.');
    }
    return 0;
  } catch (error) {
    process.stderr.write(`\ndemo: failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await stage.clear();
    await server.close();
  }
}

async function playAndLeave(stage: Stage, server: Server): Promise<void> {
  await play(stage, server);
  await leave(stage);
}

/** What to try. */
const hints = (stage: Stage, server: Server): string => `
# Both stay online until you press ^C here. Try this in another terminal:
cd ${quoted(stage.dir)}
PATH=${quoted(BIN)}:$PATH
tail -f bob/${ALICE}/out &
echo 'how are you?' > alice/${BOB}/in
echo dnd do not disturb > bob/mypresence
cat alice/${BOB}/presence
roster -d alice
tail alice/events
cd alice; mkfifo q2; echo "<iq type='get' id='q2' to='${BOB}/laptop'><query xmlns='urn:xmpp:time'/></iq>" > in; cat q2; cd ..
# Other XMPP clients may log in too: 127.0.0.1:${server.port}, ${ALICE}, password ${PASSWORDS.alice}, CA ca.pem
`;

const quoted = (path: string): string => (/^[\w/.+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

const args = process.argv.slice(2);
if (args.some((arg) => arg !== '--stay')) {
  process.stderr.write(USAGE);
  process.exitCode = 100;
} else {
  void main(args.length > 0).then((code) => {
    process.exitCode = code;
  });
}
