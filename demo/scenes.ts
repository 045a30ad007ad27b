/** What is played: two accounts that find each other and chat, all of it by shell commands on two directories. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../loopback/server.ts';
import type { Stage } from './stage.ts';

export const DOMAIN = 'example.org';
export const ALICE = `alice@${DOMAIN}`;
export const BOB = `bob@${DOMAIN}`;
export const PASSWORDS = { alice: 'secret-alice', bob: 'secret-bob' };

/** The command that brings an account online. */
const login = (server: Server, name: string, resource: string): string =>
  `xmppc -H 127.0.0.1:${server.port} -d ${name} ${name}@${DOMAIN}/${resource}`;

const exactly = (...lines: string[]): RegExp => new RegExp(`^${lines.join('\n')}\n$`);

/** A pattern of a line in `out`. */
const said = (who: string, what: string): string => `\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d <${who}(/\\w+)?> ${what}`;

/** Plays everything; both are online at the end. @throws if anything is not as it shall be */
export async function play(stage: Stage, server: Server): Promise<void> {
  const { say, run, look, start } = stage;

  say('An account is a directory; the password in it is for nobody else to read.');
  await run('umask 077; mkdir alice bob');
  await run(`umask 077; echo ${PASSWORDS.alice} > alice/password; echo ${PASSWORDS.bob} > bob/password`);
  start('ALICE', login(server, 'alice', 'desk'));
  start('BOB', login(server, 'bob', 'laptop'));
  await look('cat alice/state bob/state', exactly(`online ${ALICE}/desk`, `online ${BOB}/laptop`));

  say('A contact is a directory in it; mkdir opens the chat.');
  await run(`mkdir alice/${BOB}`);
  await look(`ls -F alice/${BOB}`, /^in\|$/m);

  say('Alice asks to see when Bob is online, Bob agrees and asks her the same.');
  await run(`presence -d alice -t ${BOB} subscribe`);
  await look('cat bob/events', new RegExp(`\tsubscribe\t${ALICE}\t`));
  await run(`presence -d bob -t ${ALICE} subscribed`);
  await run(`presence -d bob -t ${ALICE} subscribe`);
  await look('cat alice/events', new RegExp(`\tsubscribe\t${BOB}\t`));
  await run(`presence -d alice -t ${BOB} subscribed`);
  await look(`cat alice/${BOB}/presence bob/${ALICE}/presence`, exactly('online', 'online'));
  await look('roster -d alice', new RegExp(`^${BOB}\tboth\t`));
  await look(`ls -F bob/${ALICE}`, /^in\|$/m);

  say('They chat: a line into one\'s "in" is a line in the other\'s "out".');
  await run(`echo hi > alice/${BOB}/in`);
  await look(`cat bob/${ALICE}/out`, exactly(said(ALICE, 'hi')));
  await run(`echo 'Hello Alice! <&>' > bob/${ALICE}/in`);
  await look(`cat alice/${BOB}/out`, exactly(said(ALICE, 'hi'), said(BOB, 'Hello Alice! <&>')));

  say('Two lines in one message: U+2028 stands for the line break. Each line of "out" says whose it is.');
  await run(`printf 'Grüße, 日本語 and 👋🏽\\342\\200\\250from two lines\\n' > alice/${BOB}/in`);
  await look(
    `tail -n 2 bob/${ALICE}/out`,
    exactly(said(ALICE, 'Grüße, 日本語 and 👋🏽'), said(ALICE, 'from two lines')),
  );
  await look(`tail -n 1 bob/${ALICE}/log`, /"body":"Grüße, 日本語 and 👋🏽\\nfrom two lines"/);

  say('Alice goes away for a while.');
  await run('echo away out for lunch > alice/mypresence');
  await look(`cat bob/${ALICE}/presence`, exactly('away out for lunch'));

  say('Any stanza can be sent; the answer to an iq appears under its id, here in a FIFO.');
  await run(
    `cd alice; mkfifo q1; echo "<iq type='get' id='q1' to='${BOB}/laptop'><query xmlns='jabber:iq:version'/></iq>" > in; cat q1`,
    new RegExp(`^<iq [^>]*type='result'.*<name>sj</name><version>${version()}</version>`),
  );

  say('Bob goes offline, and Alice writes to him.');
  await run('kill $BOB');
  await expectEnd(stage, 'BOB');
  await look('cat bob/state', exactly('offline'));
  await look(`wc -c < alice/${BOB}/presence`, /^ *0$/m);
  await run(`echo 'Are you there?' > alice/${BOB}/in`);
  await server.until(() => server.offline(BOB).length === 1, 30_000, 'the message at the server');

  say('Bob is back two seconds later. The message tells when it was said, and when it was received.');
  await run('sleep 2');
  start('BOB', login(server, 'bob', 'laptop'));
  await look(`tail -n 1 bob/${ALICE}/out`, exactly(said(ALICE, 'Are you there\\?')));
  await look(`tail -n 1 bob/${ALICE}/log`, /^\{"time":"[^"]*","received":"[^"]*".*"body":"Are you there\?"/);
  await look(`cat alice/${BOB}/presence`, exactly('online'));

  say('All there is.');
  await look('find alice bob | sort', treePattern());
  await look('cat alice/events', new RegExp(`\tonline\t${ALICE}\t${ALICE}/desk\n`));
  await look(`cat alice/${BOB}/log`, /("dir":"(in|out)".*\n.*){4}/);
}

/** Both go offline as they should. @throws if they do not */
export async function leave(stage: Stage): Promise<void> {
  stage.say('Good-bye.');
  await stage.run('kill $ALICE $BOB');
  for (const name of ['ALICE', 'BOB']) await expectEnd(stage, name);
  await stage.look('cat alice/state bob/state', exactly('offline', 'offline'));
}

async function expectEnd(stage: Stage, name: string): Promise<void> {
  const end = await stage.ended(name);
  if (end !== 0) throw new Error(`${name} ended with ${end}, not 0`);
}

/** Every file that both must have. */
function treePattern(): RegExp {
  const files = (account: string, contact: string) =>
    [
      'events',
      'in',
      'state',
      ...['', '/id', '/in', '/log', '/out', '/presence'].map((file) => `${contact}${file}`),
    ].map((file) => `(?=[^]*^${account}/${file}$)`);
  return new RegExp([...files('alice', BOB), ...files('bob', ALICE)].join(''), 'm');
}

function version(): string {
  const file = join(import.meta.dirname, '..', 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version.replaceAll('.', '\\.');
}
