/** What must hold whatever a program was given. */
import fs from 'node:fs';
import path from 'node:path';
import { dirName, isIqId } from '../../lib/tree/names.ts';
import { bareOf } from '../../lib/xmpp/jid/jid.ts';
import { judge } from '../unit/xml/judge.ts';
import { read } from './job.ts';
import type { Place } from './place.ts';

export type Complaint = { what: string; detail: string };

/** What programs say of themselves when it was not they who noticed. */
const SURPRISE =
  /Cannot read prop|Cannot set prop|is not a function|is not iterable|is not defined|undefined \(|of undefined|of null|Unexpected (token|end|non-white|string|number)|not valid JSON|in JSON at|Bad control character|Invalid (array|string|typed array|Date|time)|Maximum call stack|Cannot (create|convert)|must be of type|is out of range|ERR_[A-Z]|Assertion|Cannot access|\bat .*\(.*:\d+:\d+\)|node:internal|read only property|Invalid regular|Cannot mix BigInt|reading '/;

const LINE = /^(sj|messaged|presenced|iqd): (fatal: |warning: )?[^\x00-\x1f]*$/;

/** Judges what a program has said on stderr. @param others lines that may come from elsewhere */
export function judgeStderr(text: string, others = /^(usage: .*|)$/): Complaint[] {
  const found: Complaint[] = [];
  for (const line of text.split('\n')) {
    if (SURPRISE.test(line)) found.push({ what: 'surprise', detail: line });
    else if (!LINE.test(line) && !others.test(line)) found.push({ what: 'stderr', detail: line });
  }
  return found;
}

/** Judges how a program has ended. @param said on stderr */
export function judgeEnd(ended: number | string | null, allowed: readonly number[], said = ''): Complaint[] {
  // Who is just about to end by himself has no ear for it any more.
  if (ended === 'SIGTERM' && said.includes(': fatal: ')) return [];
  if (ended === null) return [{ what: 'hang', detail: 'it does not end' }];
  return allowed.includes(ended as number) ? [] : [{ what: 'exit', detail: `it ended with ${ended}` }];
}

export function judgePlace(place: Place): Complaint[] {
  const found: Complaint[] = [];
  const crashes = read(path.join(place.report, 'crashes'));
  if (crashes !== '') found.push({ what: 'crash', detail: crashes });
  const touched = place.touched();
  if (touched.length > 0) found.push({ what: 'outside', detail: `changed outside the tree: ${touched.join(', ')}` });
  return found;
}

/** Judges lines that a program sends: each a stanza, well-formed, within the limits. */
export function judgeLines(text: string): Complaint[] {
  const found: Complaint[] = [];
  const lines = text.split('\n');
  if (lines.pop() !== '') found.push({ what: 'torn', detail: 'the last line has no end' });
  for (const line of lines) {
    const element = judge(line);
    const about = line.slice(0, 300);
    if (element === null) found.push({ what: 'malformed', detail: about });
    else if (!/^\{(jabber:client|urn:x-sj:session|)\}/.test(element.name))
      found.push({ what: 'no stanza', detail: about });
    if (line.length > 262_144) found.push({ what: 'too long', detail: `${line.length} bytes: ${about}` });
  }
  return found;
}

const OURS = new Set([
  ...['out', '.roster', '.newcomers', '.requests', '.rooms', '.queue.spoilt', '.iqs.spoilt', '.presences.spoilt'],
  ...['in', 'state', 'events', 'mypresence', 'ext', 'password', '.lock', '.queue', '.session', '.sasl', '.journal'],
  ...['.messaged', '.presences', '.journal.old', '.journal.spoilt', '.iqs', '.messaged.next', 'tls', 'lock', 'status'],
]);
const THEIRS = new Set(['in', 'out', 'log', 'id', 'presence', 'mypresence', '.in.early']);

/**
 * Judges an account directory: nothing in it that the manual does not tell of, nobody's words in somebody else's files,
 * no line that is none.
 * @param given names that the case itself has put there
 */
export function judgeTree({ dir }: Place, given: ReadonlySet<string> = new Set()): Complaint[] {
  const found: Complaint[] = [];
  const complain = (what: string, detail: string) => found.push({ what, detail: detail.slice(0, 500) });
  for (const name of readdir(dir)) {
    if (given.has(name)) continue;
    const file = path.join(dir, name);
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isDirectory() && name !== 'ext') {
      if (stat.mode & 0o077) complain('mode', `${name}: ${(stat.mode & 0o777).toString(8)}`);
      judgeContact(file, name, complain);
    } else if (!OURS.has(name) && !isIqId(name)) complain('name', name);
    else if (stat.isFile() && stat.mode & 0o077) complain('mode', `${name}: ${(stat.mode & 0o777).toString(8)}`);
  }
  if (!given.has('events'))
    for (const line of lines(path.join(dir, 'events')))
      if (!/^\d+\.\d{3}\t[a-z]+\t[^\t]+\t[^\t]*$/.test(line) || /[\x00-\x08\x0a-\x1f\x7f]/.test(line))
        complain('events', line);
  return found;
}

function judgeContact(place: string, name: string, complain: (what: string, detail: string) => void): void {
  const id = lines(path.join(place, 'id'))[0];
  // What the user has made has none before somebody has seen it.
  const jid = id === undefined ? name : Buffer.from(id, 'latin1').toString();
  if (bareOf(jid) !== jid || dirName(jid) !== name) complain('id', `${name} is of ${jid}`);
  for (const entry of readdir(place)) if (!THEIRS.has(entry)) complain('name', `${name}/${entry}`);
  for (const line of lines(path.join(place, 'log'))) {
    try {
      const { dir, from, to } = JSON.parse(Buffer.from(line, 'latin1').toString()) as Record<string, string>;
      const whose = dir === 'out' ? to : from;
      if (whose !== undefined && bareOf(whose) !== jid && dir === 'in') complain('wrong file', `${name}: ${line}`);
      if (/[\x00-\x1f]/.test(line)) complain('log', line);
    } catch (error) {
      complain('log', `${error}: ${line}`);
    }
  }
  for (const line of lines(path.join(place, 'out'))) {
    const text = Buffer.from(line, 'latin1').toString();
    if (!/^\d{4}-\d\d-\d\d \d\d:\d\d (<[^\s>]+>|-!-) /.test(text) || UNPRINTABLE.test(text))
      complain('out', `${name}: ${text}`);
  }
  const shown = lines(path.join(place, 'presence'));
  if (shown.length > 1 || shown.some((line) => !/^(online|chat|away|xa|dnd)( |$)/.test(line)))
    complain('presence', `${name}: ${shown.join('|')}`);
}

const UNPRINTABLE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

function readdir(dir: string): string[] {
  try {
    return fs.readdirSync(dir);
  } catch {
    return [];
  }
}

/** The whole lines of a regular file. */
function lines(file: string): string[] {
  if (!fs.lstatSync(file, { throwIfNoEntry: false })?.isFile()) return [];
  return read(file).split('\n').slice(0, -1);
}

/** More than any program here needs, and more than it may grow by while the same comes again and again, in bytes. */
const MOST = 80e6;
const GROWTH = 1.5e6;

/** Judges what a program needed from time to time; after the first third it should need no more. */
export function judgeMemory(sizes: readonly number[], name = ''): Complaint[] {
  const third = Math.floor(sizes.length / 3);
  const [before, after] = [sizes.slice(third, 2 * third), sizes.slice(2 * third)].map((some) => Math.min(...some));
  const grown = third >= 2 && after! - before! > GROWTH;
  return grown || sizes.some((size) => size > MOST) ? [{ what: 'memory', detail: `${name} ${sizes.join(', ')}` }] : [];
}
