/**
 * The parts that are no programs, in this process: where bytes are cut must not matter, what sj hands on is read by its
 * daemons as sj has read it and by everybody else as XML, and what was kept is read without an accident.
 */

import { createStateReader } from '../../lib/chat/state.ts';
import { createReplay, SpoiltLog } from '../../lib/store/replay.ts';
import { createLines } from '../../lib/sys/lines.ts';
import { dirName, idOfName, RESERVED } from '../../lib/tree/names.ts';
import { XmlError } from '../../lib/xml/chars.ts';
import { createSplitter } from '../../lib/xml/split.ts';
import { parseElement } from '../../lib/xml/tree.ts';
import { canonical } from '../../lib/xml/write.ts';
import { controlText, readControl } from '../../lib/xmpp/codec/control.ts';
import { bareOf } from '../../lib/xmpp/jid/jid.ts';
import { createReader, summary } from '../../lib/xmpp/stream/ledger.ts';
import { treeOf } from '../../lib/xmpp/stream/route.ts';
import { judge, plain } from '../unit/xml/judge.ts';
import { HEADER, heardBy, watch } from '../unit/xml/splitting.ts';
import { bend } from './bend.ts';
import { RARE, readAccount, readCorpus, stanzasOf } from './corpus.ts';
import { chunks, spoil } from './mutate.ts';
import type { Complaint } from './oracle.ts';
import { createRandom, type Random } from './random.ts';
import { entriesOf, spoilState } from './state.ts';
import { JIDS } from './words.ts';

export type PureCase = { kind: 'pure'; seed: string; inputs: string[] };

const sessions = readCorpus();
const POOL = [...stanzasOf(sessions, 'server'), ...RARE, ...stanzasOf(sessions, 'client')];
const ACCOUNT = readAccount();
const CONTROLS = [
  `<session xmlns='urn:x-sj:session' id='s' n='1' resumed='true'/>`,
  `<refused xmlns='urn:x-sj:session' n='5' reason='x'/>`,
];

export function makePureCase(seed: string): PureCase {
  const r = createRandom(seed);
  const one = () => (r.chance(0.5) ? spoil : bend)(r, r.pick(r.chance(0.9) ? POOL : CONTROLS), POOL);
  return { kind: 'pure', seed, inputs: Array.from({ length: 40 }, one) };
}

type Check = (r: Random, inputs: readonly string[]) => string | null;

/** saxes knows no white space around the name of a namespace. */
const show = (tree: unknown) => JSON.stringify(tree).replaceAll(/\{\s*([^{}"]*?)\s*\}/g, '{$1}');

const bytesOf = (text: string) => Buffer.from(text, 'latin1');

const CHECKS: Readonly<Record<string, Check>> = {
  borders(r, inputs) {
    for (const mode of ['stream', 'fragments'] as const) {
      const text = bytesOf((mode === 'stream' ? HEADER : '') + inputs.join(r.pick(['', '\n'])));
      const [whole, cut, unbuilt] = [watch(mode), watch(mode), watch(mode, { build: false })];
      whole.push(text);
      const parts = chunks(r, text);
      cut.push(parts);
      unbuilt.push(parts);
      // The end shows what is wrong with what has not ended.
      if (mode === 'fragments') for (const { splitter } of [whole, cut, unbuilt]) splitter.eof();
      // Where the last one has not ended, a fault in it may still have to show.
      const early = whole.faults.length > cut.faults.length && mode === 'stream';
      const [a, b] = [heardBy(whole), heardBy(cut)].map((heard) =>
        JSON.stringify({ ...heard, ...(early && { faults: [] }) }),
      ) as [string, string];
      const at = a.split('').findIndex((c, i) => c !== b[i]);
      if (a !== b)
        return `${mode}: cut elsewhere it reads otherwise: ${a.slice(at - 200, at + 99)} or ${b.slice(at - 20, at + 99)}`;
      if (early) continue;
      if (cut.faults.join() !== unbuilt.faults.join()) return `${mode}: it reads otherwise where no tree is built`;
    }
    return null;
  },
  handing(_, inputs) {
    let wrong: string | null = null;
    const given: string[] = [];
    const splitter = createSplitter('fragments', {
      stanza(piece) {
        const element = treeOf(piece);
        const text = piece.canonical ? piece.buf.toString('utf8', piece.start, piece.end) : canonical(element);
        const others = judge(`<w xmlns='jabber:client'>${text}</w>`)?.children[0];
        if (others === undefined || show(others) !== show(plain(element)))
          wrong ??= `others read it otherwise: ${text.slice(0, 500)}`;
        given.push(text);
      },
      fault: () => {},
    });
    splitter.push(bytesOf(inputs.join('\n')));
    const daemon = watch('lines', { limits: { bytes: 1e8, iqBytes: 1e8, depth: 64, attributes: 129 } });
    daemon.push(given.map((text) => `${text}\n`).join(''));
    if (daemon.faults.length > 0) return `the daemon finds a fault: ${daemon.faults}`;
    if (daemon.texts.length !== given.length) return 'the daemon reads another number of stanzas';
    return wrong;
  },
  control(_, inputs) {
    for (const text of inputs) {
      try {
        const control = readControl(parseElement(bytesOf(text)));
        if (
          control !== null &&
          JSON.stringify(readControl(parseElement(controlText(control)))) !== JSON.stringify(control)
        )
          return text;
      } catch (error) {
        if (!(error instanceof XmlError)) throw error;
      }
    }
    return null;
  },
  ledger(r) {
    const reader = createReader();
    for (const line of spoilState(r, '.queue', ACCOUNT['.queue']!).split('\n')) reader.line(bytesOf(line));
    const kept = reader.kept();
    const again = createReader();
    for (const line of summary(kept).toString('latin1').split('\n').slice(0, -1)) again.line(bytesOf(line));
    const same = again.kept();
    const show = ({ outgoing, incoming, session }: typeof kept) =>
      JSON.stringify([session, outgoing.count, outgoing.openCount, outgoing.openBytes, incoming]);
    return show(kept) === show(same) ? null : `${show(kept)} becomes ${show(same)}`;
  },
  journal(r) {
    const reader = createStateReader();
    const replay = createReplay('boot', reader);
    try {
      for (const { head, body } of entriesOf(spoilState(r, '.journal', ACCOUNT['.journal']!)))
        replay.record(bytesOf(head).toString(), bytesOf(body));
    } catch (error) {
      if (error instanceof SpoiltLog) return null;
      throw error;
    }
    reader.state();
    for (const file of replay.touched) if (/^\/|(^|\/)\.\.(\/|$)|\0/.test(file)) return `it leads to ${file}`;
    return null;
  },
  names(r) {
    const jid = bytesOf(spoil(r, r.pick(JIDS), JIDS)).toString();
    const bare = bareOf(jid);
    if (bare === null) return null;
    if (bareOf(bare) !== bare) return `${jid}: not the same when normalised again`;
    const name = dirName(bare);
    if (name.includes('/') || name.includes('\0') || name.startsWith('.') || name.startsWith('-') || RESERVED.has(name))
      return `${jid}: ${name}`;
    if (Buffer.byteLength(name) > 255) return `${jid}: too long`;
    if (!/~[0-9a-f]{16}$/.test(name) && idOfName(name) !== bare) return `${jid}: ${name} is that of ${idOfName(name)}`;
    return null;
  },
  lines(r, inputs) {
    const read = (parts: readonly Buffer[]) => {
      const found: string[] = [];
      const lines = createLines(1000, {
        line: (bytes) => found.push(bytes.toString('latin1')),
        tooLong: (head, length) => found.push(`${head.toString('latin1')} ${length}`),
      });
      for (const part of parts) lines.push(part);
      lines.flush();
      return found.join('\n');
    };
    const text = bytesOf(inputs.join(''));
    return read([text]) === read(chunks(r, text)) ? null : 'cut elsewhere it reads otherwise';
  },
};

export function runPureCase({ seed, inputs }: PureCase): Complaint[] {
  const found: Complaint[] = [];
  for (const [what, check] of Object.entries(CHECKS)) {
    try {
      const wrong = check(createRandom(`${seed} ${what}`), inputs);
      if (wrong !== null) found.push({ what, detail: wrong });
    } catch (error) {
      found.push({ what, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  return found;
}
