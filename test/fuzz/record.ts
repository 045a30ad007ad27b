/**
 * Records what real servers say: `npx tsx test/fuzz/record.ts` logs in to prosody and ejabberd in the clear, makes them
 * say much of what servers say, and writes both sides of each connection into `corpus/SERVER-WHAT.jsonl`. Needed only
 * when the corpus is to grow.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createSplitter } from '../../lib/xml/split.ts';
import { ejabberd } from '../interop/bed/ejabberd.ts';
import { makeCertificates, passwordOf } from '../interop/bed/hosts.ts';
import { startJob } from '../interop/bed/job.ts';
import { claimPorts } from '../interop/bed/ports.ts';
import { prosody } from '../interop/bed/prosody.ts';
import type { Kind, Place } from '../interop/bed/server.ts';
import { until } from '../interop/bed/until.ts';
import { recordAccount } from './record-account.ts';

const BIN = path.resolve('bin');
const CORPUS = path.join(import.meta.dirname, 'corpus');

type Tape = { turns: { from: 'client' | 'server'; text: string }[]; cut(): void; port: number };

/** Passes connections on, and keeps what goes through. */
async function tap(to: number): Promise<Tape> {
  const turns: Tape['turns'] = [];
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((near) => {
    const far = net.connect(to, '127.0.0.1');
    for (const [from, into, name] of [
      [near, far, 'client'],
      [far, near, 'server'],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        const last = turns.at(-1);
        if (last?.from === name) last.text += chunk.toString('latin1');
        else turns.push({ from: name, text: chunk.toString('latin1') });
        into.write(chunk);
      });
      from.on('end', () => into.end());
      from.on('error', () => into.destroy());
    }
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  listener.unref();
  return {
    turns,
    port: (listener.address() as net.AddressInfo).port,
    cut: () => sockets.forEach((socket) => void socket.resetAndDestroy()),
  };
}

type Client = {
  dir: string;
  tape: Tape;
  online(): Promise<void>;
  send(text: string): void;
  pid(): number;
  stop(signal?: NodeJS.Signals): Promise<unknown>;
  ended: Promise<unknown>;
};

async function client(root: string, port: number, user: string, domain: string, dir?: string): Promise<Client> {
  const tape = await tap(port);
  const place = dir ?? fs.mkdtempSync(path.join(root, `${user}-`));
  fs.writeFileSync(path.join(place, 'password'), `${passwordOf(user)}\n`, { mode: 0o600 });
  const argv = ['-RHl0', '127.0.0.1', String(tape.port), path.join(BIN, 'sj')];
  const options = ['-I', '-I', '-u', user, '-s', domain, '-d', place, '-r', 'desk'];
  const child = spawn('tcpclient', [...argv, ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
  return {
    dir: place,
    tape,
    pid: () => child.pid!,
    online: () =>
      until('the session', () => {
        const state = path.join(place, 'state');
        return fs.existsSync(state) && fs.readFileSync(state, 'utf8').startsWith('online');
      }).then(() => {}),
    send: (text) => fs.writeFileSync(path.join(place, 'in'), text),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return once(child, 'exit');
    },
    ended: once(child, 'exit'),
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function record(kind: Kind): Promise<void> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `sj-record-${kind.name}-`));
  const ports = await claimPorts();
  const [starttls, direct, clear, control] = ports.ports as [number, number, number, number];
  const place: Place = { dir, port: { starttls, direct, clear, control } };
  fs.mkdirSync(path.join(dir, 'log'));
  makeCertificates(path.join(dir, 'certs'));
  kind.prepare(place);
  const { argv, env } = kind.command(place);
  const job = await startJob(argv, { cwd: dir, env });
  const log = () => (fs.existsSync(path.join(dir, kind.log)) ? fs.readFileSync(path.join(dir, kind.log), 'utf8') : '');
  await until(
    `${kind.name} to be ready`,
    () => kind.ready.test(log()),
    () => job.stderr,
  );
  await kind.started?.(place);
  const save = (what: string, tape: Tape) => write(`${kind.name}-${what}`, tape);

  for (const domain of ['clearplain.localhost', 'clear.localhost']) {
    const what = domain === 'clear.localhost' ? 'scram' : 'plain';
    const alice = await client(dir, clear, 'alice', domain);
    await alice.online();
    const bob = await client(dir, clear, 'bob', domain);
    await bob.online();
    const [a, b] = [`alice@${domain}`, `bob@${domain}`];
    alice.send(`<presence type='subscribe' to='${b}'/>`);
    await pause(300);
    bob.send(`<presence type='subscribed' to='${a}'/><presence type='subscribe' to='${a}'/>`);
    await pause(300);
    alice.send(`<presence type='subscribed' to='${b}'/>`);
    await pause(300);
    bob.send(
      `<presence><show>away</show><status>At lunch &amp; back &lt;soon&gt; \u00e4\u{1f600}</status><priority>5</priority></presence>`,
    );
    alice.send(`<message to='${b}' type='chat' id='m1'><body>Hello Bob</body></message>`);
    for (const text of ['Hello', 'two\nlines', '/me waves', 'a &lt;b&gt; &amp; "c" \u{1f600} \u202e x', ' '.repeat(9)])
      bob.send(
        `<message to='${a}' type='chat' id='b${text.length}' xml:lang='de'><body>${text}</body><thread>t1</thread>` +
          `<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>` +
          `<origin-id xmlns='urn:xmpp:sid:0' id='o1'/></message>`,
      );
    bob.send(
      `<message to='${a}/desk' type='normal'><subject>S</subject><body>B</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p style='x'>B <b>b</b></p></body></html></message>`,
    );
    bob.send(
      `<message to='${a}' type='headline'><subject>news</subject><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'><item id='i'><x xmlns='y'/></item></items></event></message>`,
    );
    for (const [id, to, payload] of [
      ['q1', '', "<query xmlns='jabber:iq:roster'/>"],
      ['q2', domain, "<query xmlns='http://jabber.org/protocol/disco#info'/>"],
      ['q3', domain, "<query xmlns='http://jabber.org/protocol/disco#items'/>"],
      ['q4', '', "<vCard xmlns='vcard-temp'/>"],
      ['q5', domain, "<query xmlns='jabber:iq:version'/>"],
      ['q6', 'nobody.invalid', "<ping xmlns='urn:xmpp:ping'/>"],
      ['q7', `${b}/desk`, "<query xmlns='jabber:iq:version'/>"],
      ['q8', `nobody@${domain}`, "<time xmlns='urn:xmpp:time'/>"],
    ])
      alice.send(`<iq type='get' id='${id}'${to ? ` to='${to}'` : ''}>${payload}</iq>`);
    alice.send(`<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>`);
    alice.send(`<message to='nobody@${domain}' type='chat' id='m2'><body>x</body></message>`);
    alice.send(`<message to='a@nowhere.invalid' id='m3'><body>x</body></message>`);
    for (const ns of ['jabber:iq:version', 'urn:xmpp:time', 'jabber:iq:last', 'urn:xmpp:ping', 'x:none'])
      bob.send(`<iq type='get' id='g${ns.length}' to='${a}/desk'><query xmlns='${ns}'/></iq>`);
    bob.send(
      `<iq type='set' id='r1'><query xmlns='jabber:iq:roster'><item jid='${a}' name='Ali &lt;ce'><group>G</group></item></query></iq>`,
    );
    alice.send(
      `<iq type='set' id='r2'><query xmlns='jabber:iq:roster'><item jid='${b}' name='B\u00f6b'><group>F1</group><group>F2</group></item></query></iq>`,
    );
    await pause(1000);
    // Many, so that acknowledgements go both ways.
    for (let i = 0; i < 150; i++) bob.send(`<message to='${a}' id='n${i}' type='chat'><body>n ${i}</body></message>`);
    bob.send(`<presence type='unavailable'><status>bye</status></presence>`);
    await pause(6500);
    const first = alice.tape;
    first.cut();
    await alice.ended;
    bob.send(`<message to='${a}' id='l1' type='chat'><body>while away</body></message>`);
    await pause(300);
    const again = await client(dir, clear, 'alice', domain, alice.dir);
    await again.online();
    await pause(800);
    bob.send(`<presence type='unsubscribe' to='${a}'/><presence type='unsubscribed' to='${a}'/>`);
    await pause(400);
    await again.stop();
    save(what, first);
    save(`${what}-resumed`, again.tape);
    bob.send(`<message to='${a}' id='l2' type='chat'><body>offline</body></message>`);
    await pause(300);
    // A session that cannot be resumed, and one that the server ends.
    fs.rmSync(path.join(alice.dir, '.queue'), { force: true });
    fs.writeFileSync(
      path.join(alice.dir, '.queue'),
      `session ${JSON.stringify({ account: a, id: 'gone', jid: `${a}/desk` })}\nbase 0\nin 3 {"messaged":1,"presenced":1,"iqd":1}\n`,
    );
    const third = await client(dir, clear, 'alice', domain, alice.dir);
    await third.online();
    await pause(500);
    const conflict = await client(dir, clear, 'alice', domain);
    await conflict.online();
    await third.ended;
    save(`${what}-failed`, third.tape);
    await conflict.stop();
    await bob.stop();
  }
  const refused = await tap(clear);
  const child = spawn(
    'tcpclient',
    [
      '-RHl0',
      '127.0.0.1',
      String(refused.port),
      path.join(BIN, 'sj'),
      '-I',
      '-I',
      '-u',
      'alice',
      '-s',
      'clear.localhost',
      '-d',
      path.join(dir, 'wrong'),
      '-r',
      'desk',
      '-p',
      '8',
    ],
    { stdio: ['ignore', 'inherit', 'inherit', 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'pipe'] },
  );
  (child.stdio[8 as 1] as unknown as net.Socket).end('wrong\n');
  await once(child, 'exit');
  save('refused', refused);
  await job.stop();
  await ports.release();
  fs.rmSync(dir, { recursive: true, force: true });
}

/** One line for each element of either side: who said it, and what. */
function write(name: string, tape: Tape): void {
  const lines: string[] = [];
  const say = (from: string, text: string) => lines.push(`${from === 'server' ? 'S' : 'C'} ${JSON.stringify(text)}`);
  for (const { from, text } of tape.turns) for (const part of parts(text)) say(from, part);
  fs.writeFileSync(path.join(CORPUS, `${name}.txt`), `${lines.join('\n')}\n`);
}

/** Cuts what one side has said in one go into elements; bytes are characters. */
function parts(text: string): string[] {
  const found: string[] = [];
  let rest = text;
  const header = /^\s*(<\?xml.*?\?>)?\s*<stream:stream[^>]*>/s.exec(rest);
  if (header) {
    found.push(header[0]);
    rest = rest.slice(header[0].length);
  }
  const splitter = createSplitter('stream', {
    stanza: ({ buf, start, end }) => void found.push(buf.toString('latin1', start, end)),
    fault: () => {},
  });
  splitter.push(
    Buffer.from("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"),
  );
  splitter.push(Buffer.from(rest, 'latin1'));
  if (rest.includes('</stream:stream>')) found.push('</stream:stream>');
  return found;
}

async function main(): Promise<void> {
  if (!process.argv[2] || process.argv[2] === 'account') await recordAccount(CORPUS);
  for (const kind of [prosody, ejabberd]) if (!process.argv[2] || process.argv[2] === kind.name) await record(kind);
  process.exit();
}

void main();
