/** Sessions for sj, made of what real servers have said. */
import { bend } from './bend.ts';
import { RARE, readCorpus, type Session, stanzasOf } from './corpus.ts';
import { reorder, spoil } from './mutate.ts';
import { createRandom, type Random } from './random.ts';

export type WireCase = {
  kind: 'wire';
  seed: string;
  /** Our own daemons, or such as swallow all. */
  daemons: 'real' | 'mute';
  link: 'pipes' | 'socket';
  /** What an earlier session has left. */
  queue: string;
  /** What the server says once the client has said this. */
  login: { on: string; say: string }[];
  /** Spoils what SCRAM says. */
  scram: boolean;
  /** What the server says then. */
  inputs: string[];
  /** Whether sj still has to answer after that, if it has not ended. */
  probe: boolean;
  end: 'close' | 'eof' | 'reset' | 'term' | 'silence';
};

const sessions = readCorpus();
const POOL = [...stanzasOf(sessions, 'server'), ...RARE, ...stanzasOf(sessions, 'client')];
const LOGIN_POOL = sessions.flatMap(({ turns }) => turns.slice(0, 16).map(({ text }) => text));

/** What the client has to have said. */
export const WANTED: Record<string, RegExp> = {
  stream: /<stream:stream [^>]*>/,
  auth: /<auth [^>]*mechanism='([^']*)'>([^<]*)<\/auth>/,
  response: /<response [^>]*?(?:\/>|>([^<]*)<\/response>)/,
  iq: /<iq type='set' id='sj:bind'>.*?<\/iq>/s,
  enable: /<enable [^>]*>/,
  resume: /<resume [^>]*>/,
};

/** Until the session is there, and what came then. */
function dissect({ turns }: Session): { login: WireCase['login']; rest: string[]; resume: string } {
  const login: WireCase['login'] = [];
  let i = 0;
  let resume = '';
  for (let on = ''; i < turns.length; i++) {
    const { from, text } = turns[i]!;
    if (from === 'client') {
      if (text.includes("id='sj:session'")) continue;
      if (on === 'enable' || (on === 'resume' && !text.includes('sj:bind'))) break;
      if (text === '</stream:stream>') break;
      on = text.includes('<stream:stream') ? 'stream' : /^<(\w+)/.exec(text)![1]!;
      if (on === 'resume') resume = text;
      login.push({ on, say: '' });
    } else if (login.length > 0) {
      if ((on === 'enable' || on === 'resume') && login.at(-1)!.say !== '') break;
      const exact = text
        .replace(/(<challenge [^>]*>)[^<]*/, '$1%CHALLENGE%')
        .replace(/(<success [^>]*>)[^<]+(<\/success>)/, '$1%SUCCESS%$2');
      login.at(-1)!.say += exact;
    }
  }
  return {
    login,
    rest: turns
      .slice(i)
      .filter((turn) => turn.from === 'server')
      .map(({ text }) => text),
    resume,
  };
}

const LOGINS = sessions.map(dissect);

/** What a session that is to be resumed has left, as it fits to what the server says of it. */
function queueFor(r: Random, resume: string, login: WireCase['login']): string {
  const previd = /previd='([^']*)'/.exec(resume)?.[1];
  if (previd === undefined) return '';
  const h = Number(/<resumed [^>]*h='(\d+)'/.exec(login.map(({ say }) => say).join(''))?.[1] ?? 0);
  const open = Array.from(
    { length: r.int(4) },
    (_, i) =>
      `out ${1_790_000_000_000 + i} <message to='bob@example.org' id='k${i}' type='chat'><body>kept ${i}</body></message>\n`,
  );
  const id = previd.replaceAll('&amp;', '&');
  return (
    `session ${JSON.stringify({ account: 'alice@example.org', id, jid: 'alice@example.org/desk' })}\n` +
    `asked q1 \nasked q6 nobody.invalid\nbase ${h}\nin 3 {"messaged":1,"presenced":1,"iqd":1}\n${open.join('')}`
  );
}

export function makeWireCase(seed: string): WireCase {
  const r = createRandom(seed);
  const { login, rest, resume } = r.pick(LOGINS);
  const queue = queueFor(r, resume, login);
  const badLogin = r.chance(0.3);
  const turns = login.map((turn) => ({ ...turn }));
  if (badLogin) {
    const turn = r.pick(turns);
    turn.say = r.chance(0.4) ? bendAll(r, turn.say) : spoil(r, turn.say, LOGIN_POOL);
    if (r.chance(0.1)) r.pick(turns).say += r.pick(POOL);
  }
  const extra = Array.from({ length: r.few(200) }, () => r.pick(POOL));
  let inputs = r.chance(0.7) ? reorder(r, rest, POOL) : [...rest];
  inputs.splice(r.int(inputs.length + 1), 0, ...extra);
  const share = r.pick([0, 0.05, 0.4, 0.9]);
  inputs = inputs.map((text) =>
    /^<(message|presence|iq|a|r)\b/.test(text) && r.chance(share) ? bend(r, text, POOL) : text,
  );
  // What ends the session is not to hide what comes after it.
  if (r.chance(0.8)) inputs = inputs.filter((text) => !/^<\/?stream:|^<a /.test(text));
  const bad = r.chance(0.4);
  if (bad) {
    const at = r.int(inputs.length + 1);
    inputs.splice(at, 1, spoil(r, inputs[at] ?? r.pick(POOL), POOL));
  }
  return {
    kind: 'wire',
    seed,
    daemons: r.chance(0.6) ? 'real' : 'mute',
    link: r.chance(0.7) ? 'pipes' : 'socket',
    queue,
    login: turns,
    scram: r.chance(0.2),
    inputs,
    probe: !bad && !badLogin,
    end: r.pick(['close', 'eof', 'eof', 'reset', 'term', 'term', 'silence']),
  };
}

const bendAll = (r: Random, text: string) =>
  text.replace(/<(?!\?|stream:stream)(\w[\w:]*)\b[^>]*?(?:\/>|>.*?<\/\1>)/gs, (element) =>
    bend(r, element, LOGIN_POOL),
  );
